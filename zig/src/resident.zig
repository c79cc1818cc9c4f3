//! Keeps the library in memory for the life of the process: a runtime unloads it at its exit, ALSA
//! clients unload a plug-in when they close its PCM, and either may happen while a thread of ours
//! is still on its way out.

const std = @import("std");

const SymbolInfo = extern struct {
    path: ?[*:0]const u8,
    base: ?*anyopaque,
    symbol: ?[*:0]const u8,
    address: ?*anyopaque,
};

extern "c" fn dladdr(address: *const anyopaque, info: *SymbolInfo) c_int;

/// False where the dynamic linker does not know this library; nothing may be started then.
pub fn stayLoaded() bool {
    // The program of the unit tests is no library, and stays anyway.
    if (@import("builtin").is_test) return true;
    var info: SymbolInfo = undefined;
    if (dladdr(&stayLoaded, &info) == 0) return false;
    const mode: std.c.RTLD = .{ .NOW = true, .NOLOAD = true, .NODELETE = true };
    return std.c.dlopen(info.path, mode) != null;
}
