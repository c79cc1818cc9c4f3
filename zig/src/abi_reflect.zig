//! The ABI as text, reflected at compile time: the generated TypeScript, and the hash by which the
//! two sides know each other. The hash covers every name, order and type that crosses.

const std = @import("std");
const abi = @import("abi.zig");

/// The signatures alone: the exports need the hash, so this file must not need their bodies.
pub fn hashOf(comptime signatures: []const u8) u32 {
    @setEvalBranchQuota(1_000_000);
    return comptime std.hash.Fnv1a_32.hash(signatures ++ enums() ++ records());
}

pub fn symbols(comptime functions: type) []const u8 {
    @setEvalBranchQuota(1_000_000);
    comptime var text: []const u8 = "";
    inline for (@typeInfo(functions).@"struct".decls) |declaration| {
        const signature = @typeInfo(@TypeOf(@field(functions, declaration.name))).@"fn";
        comptime var parameters: []const u8 = "";
        inline for (signature.params, 0..) |parameter, index| {
            const separator = if (index == 0) "" else ", ";
            parameters = parameters ++ separator ++ "\"" ++ typeName(parameter.type.?) ++ "\"";
        }
        text = text ++ "  halflap_" ++ declaration.name ++ ": { parameters: [" ++ parameters ++
            "], result: \"" ++ typeName(signature.return_type.?) ++ "\"" ++
            (if (isWaiting(declaration.name)) ", nonblocking: true" else "") ++ " },\n";
    }
    return text;
}

/// Functions that sleep: where the runtime can, it calls them off its thread.
fn isWaiting(comptime name: []const u8) bool {
    return std.mem.eql(u8, name, "realm_wait");
}

/// Only what is cheap and exact in both runtimes crosses: no 64-bit integers.
fn typeName(comptime T: type) []const u8 {
    return switch (T) {
        u32, i32, f64 => @typeName(T),
        ?[*]u8, ?[*]const u8 => "buffer",
        else => @compileError("no such type in the ABI: " ++ @typeName(T)),
    };
}

pub fn enums() []const u8 {
    @setEvalBranchQuota(1_000_000);
    comptime var text: []const u8 = "";
    inline for (@typeInfo(abi).@"struct".decls) |declaration| {
        const T = @field(abi, declaration.name);
        if (@typeInfo(T) != .@"enum") continue;
        text = text ++ "\nexport const " ++ declaration.name ++ " = {\n";
        inline for (@typeInfo(T).@"enum".fields) |field| {
            text = text ++ std.fmt.comptimePrint("  {s}: {d},\n", .{ field.name, field.value });
        }
        text = text ++ "} as const;\n";
    }
    return text;
}

pub fn records() []const u8 {
    @setEvalBranchQuota(1_000_000);
    comptime var text: []const u8 = "";
    inline for (@typeInfo(abi).@"struct".decls) |declaration| {
        const T = @field(abi, declaration.name);
        if (@typeInfo(T) != .@"struct") continue;
        const fields = @typeInfo(T).@"struct".fields;
        text = text ++ "\nexport const " ++ declaration.name ++ " = {\n";
        inline for (fields, 0..) |field, index| {
            if (field.type != f64) @compileError("a record has only f64 fields: " ++ field.name);
            text = text ++ std.fmt.comptimePrint("  {s}: {d},\n", .{ field.name, index });
        }
        text = text ++ "} as const;\nexport const " ++ upperSnake(declaration.name) ++
            std.fmt.comptimePrint("_LENGTH = {d};\n", .{fields.len});
    }
    return text;
}

fn upperSnake(comptime name: []const u8) []const u8 {
    comptime var text: []const u8 = "";
    inline for (name, 0..) |character, index| {
        if (index > 0 and std.ascii.isUpper(character)) text = text ++ "_";
        text = text ++ [_]u8{std.ascii.toUpper(character)};
    }
    return text;
}
