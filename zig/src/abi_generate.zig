//! Prints the generated TypeScript of the ABI: to the path given, or to standard output.

const std = @import("std");
const reflect = @import("abi_reflect.zig");
const abi_hash = @import("exports/engine.zig").functions.abi_hash;
const exports = @import("exports.zig");

const header =
    \\// Generated from zig/src/abi.zig and zig/src/exports/ by `npm run build`; do not edit.
    \\
    \\
;

const text = header ++
    "/** What the library answers if it speaks this very ABI. */\n" ++
    std.fmt.comptimePrint("export const ABI_HASH: number = {d};\n\n", .{abi_hash()}) ++
    "/** The exported functions, in the shape of `Deno.dlopen`. */\n" ++
    "export const SYMBOLS = {\n" ++ exports.symbols() ++ "} as const;\n" ++
    reflect.enums() ++ reflect.records();

pub fn main(init: std.process.Init) !void {
    const io = init.io;
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    const path = arguments.next() orelse return std.Io.File.stdout().writeStreamingAll(io, text);
    try std.Io.Dir.cwd().writeFile(io, .{ .sub_path = path, .data = text });
}
