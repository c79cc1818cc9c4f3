//! The exported functions: checks at the border, then one call inwards. Every argument is checked
//! there although TypeScript checked it too: both runtimes coerce silently.

const reflect = @import("abi_reflect.zig");

/// Each public declaration of these is exported under `halflap_` and its name.
pub const parts = [_]type{
    @import("exports/engine.zig").functions,
    @import("exports/realm.zig").functions,
    @import("exports/stream.zig").functions,
    @import("exports/mix.zig").functions,
    @import("exports/card.zig").functions,
    @import("exports/devices.zig").functions,
};

/// The signatures of all of them, in the shape of `Deno.dlopen`.
pub fn symbols() []const u8 {
    comptime var text: []const u8 = "";
    inline for (parts) |part| text = text ++ comptime reflect.symbols(part);
    return text;
}
