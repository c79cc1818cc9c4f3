//! Exports about the library itself.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const clock = @import("../clock.zig");
const engine = @import("../engine.zig");
const failure = @import("../failure.zig");
const handles = @import("../handles.zig");
const jobs = @import("../jobs.zig");
const libasound = @import("../alsa/libasound.zig");
const memory = @import("../memory.zig");
const Mapping = @import("../mapping.zig").Mapping;
const poll_timer = @import("../card/poll_timer.zig");
const realm_module = @import("../realm.zig");
const record = @import("../record.zig");
const reflect = @import("../abi_reflect.zig");
const threads = @import("../threads.zig");
const virtual_card = @import("../virtual_card.zig");
const done = border.done;
const refuse = border.refuse;
const copyText = border.copyText;
const load = border.load;
const toMs = border.toMs;

pub const functions = struct {
    pub fn abi_hash() callconv(.c) u32 {
        return comptime reflect.hashOf(@import("../exports.zig").symbols());
    }

    pub fn now_ms() callconv(.c) f64 {
        return toMs(clock.monotonicNs());
    }

    pub fn error_text(out: ?[*]u8, byte_length: u32) callconv(.c) i32 {
        // A text belongs to one failure: read twice, or after one without a text, it is empty.
        defer failure.last.length = 0;
        return copyText(failure.last.text(), out, byte_length);
    }

    pub fn libasound_version(out: ?[*]u8, byte_length: u32) callconv(.c) i32 {
        const asound = libasound.load() catch |err|
            return refuse(failure.codeOfLoad(err), "{s}", .{libasound.failureText()});
        return copyText(std.mem.span(asound.snd_asoundlib_version()), out, byte_length);
    }

    pub fn counters(out: ?[*]u8, length: u32) callconv(.c) i32 {
        return done(record.write(abi.Counters, out, length, .{
            .handles = @floatFromInt(handles.count()),
            .realms = load(&engine.realm_count),
            .streams = load(&engine.stream_count),
            .cards = load(&virtual_card.count),
            .threads = load(&threads.count),
            .descriptors = load(&realm_module.descriptor_count) +
                load(&poll_timer.descriptor_count),
            .pending_waits = load(&realm_module.pending_waits),
            .views = load(&Mapping.view_count),
            .pcms = load(&jobs.pcm_count),
            .bytes = @floatFromInt(memory.byte_count.load(.monotonic)),
        }));
    }
};
