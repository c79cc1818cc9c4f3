//! What a client sees of a card's PCM, by libasound's own calls, on the simulated clock: faults,
//! batches, and hardware that runs on past the application pointer.

const std = @import("std");
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const clock = @import("../clock.zig");
const Card = @import("card.zig").Card;
const Fault = @import("faults.zig").Fault;
const for_ever = @import("faults.zig").for_ever;

const testing = std.testing;

const rate = 48_000;
const period_frames = 100;
const buffer_frames = 400;
const ms_frames = rate / 1000;

/// A PCM of mono s32 whose samples count from 1.
const Client = struct {
    card: *Card,
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    advanced_frames: u64 = 0,
    written: i32 = 0,

    const Software = struct {
        runs_on: bool = false,
        fills_silence: bool = false,
    };

    fn open(options: Card.Options) !Client {
        var simulated = options;
        simulated.clock = .simulated;
        return openOn(try .create(simulated, .memory));
    }

    fn openOn(card: *Card) !Client {
        errdefer card.destroy();
        const asound = alsa.load() catch return error.NoLibasound;
        const opened = try card.openPcm(asound, "test", alsa.open_nonblock, null);
        return .{ .card = card, .asound = opened.asound, .pcm = opened.pcm };
    }

    fn openPrepared(options: Card.Options, software: Software) !Client {
        var client: Client = try .open(options);
        errdefer client.close();
        try client.setUp(software);
        return client;
    }

    fn close(self: *Client) void {
        _ = self.asound.snd_pcm_close(self.pcm);
        self.card.destroy();
    }

    fn setUp(self: *Client, software: Software) !void {
        const asound = self.asound;
        var hw: ?*alsa.HwParams = null;
        try ok(asound.snd_pcm_hw_params_malloc(&hw));
        defer asound.snd_pcm_hw_params_free(hw.?);
        var period: alsa.UFrames = period_frames;
        var buffer: alsa.UFrames = buffer_frames;
        var exact: c_uint = rate;
        for ([_]c_int{
            asound.snd_pcm_hw_params_any(self.pcm, hw.?),
            asound.snd_pcm_hw_params_set_access(self.pcm, hw.?, .rw_interleaved),
            asound.snd_pcm_hw_params_set_format(self.pcm, hw.?, .s32_le),
            asound.snd_pcm_hw_params_set_channels(self.pcm, hw.?, 1),
            asound.snd_pcm_hw_params_set_rate_near(self.pcm, hw.?, &exact, null),
            asound.snd_pcm_hw_params_set_period_size_near(self.pcm, hw.?, &period, null),
            asound.snd_pcm_hw_params_set_buffer_size_near(self.pcm, hw.?, &buffer),
            asound.snd_pcm_hw_params(self.pcm, hw.?),
        }) |result| try ok(result);
        try testing.expectEqual(period_frames, period);
        try testing.expectEqual(buffer_frames, buffer);
        try self.setUpSoftware(software);
    }

    fn setUpSoftware(self: *Client, software: Software) !void {
        const asound = self.asound;
        var sw: ?*alsa.SwParams = null;
        try ok(asound.snd_pcm_sw_params_malloc(&sw));
        defer asound.snd_pcm_sw_params_free(sw.?);
        try ok(asound.snd_pcm_sw_params_current(self.pcm, sw.?));
        var boundary: alsa.UFrames = 0;
        try ok(asound.snd_pcm_sw_params_get_boundary(sw.?, &boundary));
        try ok(asound.snd_pcm_sw_params_set_start_threshold(self.pcm, sw.?, boundary));
        const stop_threshold = if (software.runs_on) boundary else buffer_frames;
        try ok(asound.snd_pcm_sw_params_set_stop_threshold(self.pcm, sw.?, stop_threshold));
        if (software.fills_silence) {
            const library = std.c.dlopen("libasound.so.2", .{ .NOW = true }).?;
            defer _ = std.c.dlclose(library);
            const symbol = std.c.dlsym(library, "snd_pcm_sw_params_set_silence_size").?;
            const setSilenceSize: *const fn (
                *alsa.Pcm,
                *alsa.SwParams,
                alsa.UFrames,
            ) callconv(.c) c_int = @ptrCast(symbol);
            try ok(setSilenceSize(self.pcm, sw.?, boundary));
        }
        try ok(asound.snd_pcm_sw_params(self.pcm, sw.?));
        // Anew, so that the pointers start before the boundary that the card knows now.
        try ok(asound.snd_pcm_prepare(self.pcm));
    }

    fn write(self: *Client, frames: u32) !void {
        var samples: [buffer_frames]i32 = undefined;
        for (samples[0..frames]) |*sample| {
            self.written += 1;
            sample.* = self.written;
        }
        const taken = self.asound.snd_pcm_writei(self.pcm, &samples, frames);
        try testing.expectEqual(frames, taken);
    }

    fn start(self: *Client, frames: u32) !void {
        try self.write(frames);
        try ok(self.asound.snd_pcm_start(self.pcm));
    }

    /// Back to a ring that is empty, and samples that count from 1.
    fn prepareAnew(self: *Client) !void {
        try ok(self.asound.snd_pcm_prepare(self.pcm));
        self.written = 0;
    }

    fn advance(self: *Client, frames: u64) void {
        self.advanced_frames += frames;
        self.card.setNow(clock.nsOf(self.advanced_frames, rate));
    }

    /// Frames played until now, or the error that a look at the pointer finds.
    fn look(self: *Client) error{ Xrun, Suspended, Disconnected, Other }!u64 {
        var avail: alsa.SFrames = 0;
        var delay: alsa.SFrames = 0;
        const result = self.asound.snd_pcm_avail_delay(self.pcm, &avail, &delay);
        if (result == 0) return @intCast(self.written - delay);
        return switch (@as(linux.E, @enumFromInt(-result))) {
            .PIPE => error.Xrun,
            .STRPIPE => error.Suspended,
            .NODEV => error.Disconnected,
            else => error.Other,
        };
    }

    fn inject(self: *Client, fault: Fault) !void {
        try self.card.inject(0, fault);
    }

    fn state(self: *Client) alsa.PcmState {
        return self.asound.snd_pcm_state(self.pcm);
    }

    fn expectPlayed(self: *Client, expected: []const i32) !void {
        try testing.expectEqual(.SUCCESS, self.card.flush());
        const played = try testing.allocator.alloc(i32, expected.len + 1);
        defer testing.allocator.free(played);
        const bytes = try self.card.played(0, 0, std.mem.sliceAsBytes(played));
        try testing.expectEqualSlices(i32, expected, played[0 .. bytes / 4]);
    }
};

fn ok(result: c_int) !void {
    try testing.expect(result >= 0);
}

fn expectErrno(errno: linux.E, result: c_long) !void {
    try testing.expectEqual(-@as(c_long, @intFromEnum(errno)), result);
}

/// 1 to `count`, then zeros.
fn counting(comptime length: usize, count: usize) [length]i32 {
    var samples: [length]i32 = @splat(0);
    for (samples[0..count], 1..) |*sample, number| sample.* = @intCast(number);
    return samples;
}

test "a stall holds the pointer from the look that finds it until exactly its end" {
    for ([_]f64{ 0, 250, -1000 }) |drift_ppm| {
        var client: Client = try .openPrepared(.{ .drift_ppm = drift_ppm }, .{});
        defer client.close();
        try client.start(buffer_frames);
        client.advance(77);
        const before = try client.look();
        try client.inject(.{ .stall = 10 * std.time.ns_per_ms });
        client.advance(20);
        // This look finds what was played until now, and the stall begins with it.
        const held = try client.look();
        try testing.expect(held > before);
        for (0..10 * ms_frames) |_| {
            try testing.expectEqual(held, try client.look());
            client.advance(1);
        }
        client.advance(100);
        try testing.expect(try client.look() - held >= 99);
        if (drift_ppm == 0) try testing.expectEqual(77 + 20 + 100, try client.look());
        try client.expectPlayed(counting(buffer_frames, buffer_frames)[0..try client.look()]);
    }
}

test "what is written and paused in a stall plays on after its end" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    try client.start(200);
    client.advance(50);
    try client.inject(.{ .stall = 10 * std.time.ns_per_ms });
    try testing.expectEqual(50, try client.look());
    client.advance(2 * ms_frames);
    try ok(client.asound.snd_pcm_pause(client.pcm, 1));
    client.advance(3 * ms_frames);
    try ok(client.asound.snd_pcm_pause(client.pcm, 0));
    try client.write(100);
    client.advance(5 * ms_frames);
    try testing.expectEqual(50, try client.look());
    client.advance(249);
    try testing.expectEqual(299, try client.look());
    client.advance(1);
    try testing.expectError(error.Xrun, client.look());
    try client.expectPlayed(&counting(300, 300));
}

test "preparing anew ends a stall, but not one for ever; healing does" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    for ([_]u64{ std.time.ns_per_s, for_ever }) |stall_ns| {
        try client.start(buffer_frames);
        try client.inject(.{ .stall = stall_ns });
        try testing.expectEqual(0, try client.look());
        client.advance(5);
        try client.prepareAnew();
        try client.start(buffer_frames);
        client.advance(30);
        const played: u64 = if (stall_ns == for_ever) 0 else 30;
        try testing.expectEqual(played, try client.look());
        try client.inject(.heal);
        try testing.expectEqual(played, try client.look());
        client.advance(40);
        try testing.expectEqual(played + 40, try client.look());
        try client.prepareAnew();
    }
}

test "on the real-time clock a stalled pointer stands still, and moves again when healed" {
    var client: Client = try .openOn(try .create(.{}, .memory));
    defer client.close();
    try client.setUp(.{ .runs_on = true });
    try client.start(buffer_frames);
    try client.inject(.{ .stall = for_ever });
    const held = try client.look();
    const pause: linux.timespec = .{ .sec = 0, .nsec = 20 * std.time.ns_per_ms };
    _ = linux.nanosleep(&pause, null);
    try testing.expectEqual(held, try client.look());
    try testing.expectEqual(null, client.card.substreams.items[0].instantOf(buffer_frames));
    try client.inject(.heal);
    try testing.expectEqual(held, try client.look());
    while (try client.look() == held) {}
}

test "a pointer that jumps has played what it jumped over, and runs dry past the end" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    try client.start(buffer_frames);
    client.advance(10);
    try client.inject(.{ .pointer_jump = 111 });
    try testing.expectEqual(121, try client.look());
    client.advance(9);
    try testing.expectEqual(130, try client.look());
    try client.inject(.{ .pointer_jump = 269 });
    try testing.expectEqual(399, try client.look());
    try client.inject(.{ .pointer_jump = 5000 });
    try testing.expectError(error.Xrun, client.look());
    try testing.expectEqual(.xrun, client.state());
    try client.expectPlayed(&counting(buffer_frames, buffer_frames));
    try client.prepareAnew();
    try client.start(buffer_frames);
    client.advance(30);
    try testing.expectEqual(30, try client.look());
}

test "an injected xrun stops hardware that has frames left, whatever its stop threshold" {
    for ([_]bool{ false, true }) |runs_on| {
        var client: Client = try .openPrepared(.{}, .{ .runs_on = runs_on });
        defer client.close();
        try client.start(buffer_frames);
        client.advance(123);
        try client.inject(.xrun);
        try testing.expectError(error.Xrun, client.look());
        client.advance(1000);
        try testing.expectError(error.Xrun, client.look());
        try client.expectPlayed(&counting(123, 123));
        try client.prepareAnew();
        try client.start(50);
        client.advance(49);
        try testing.expectEqual(49, try client.look());
    }
}

test "a suspended PCM goes on where it stopped, in the state it was in" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    try client.start(300);
    client.advance(100);
    try client.inject(.@"suspend");
    try testing.expectError(error.Suspended, client.look());
    client.advance(5000);
    try testing.expectEqual(.suspended, client.state());
    try ok(client.asound.snd_pcm_resume(client.pcm));
    try testing.expectEqual(.running, client.state());
    client.advance(50);
    try testing.expectEqual(150, try client.look());

    try expectErrno(.AGAIN, drain(&client));
    try client.inject(.@"suspend");
    try testing.expectError(error.Suspended, client.look());
    try ok(client.asound.snd_pcm_resume(client.pcm));
    try testing.expectEqual(.draining, client.state());
    client.advance(150);
    _ = client.asound.snd_pcm_avail(client.pcm);
    try testing.expectEqual(.setup, client.state());
    try client.expectPlayed(&counting(300, 300));
}

fn drain(client: *Client) c_int {
    const library = std.c.dlopen("libasound.so.2", .{ .NOW = true }).?;
    defer _ = std.c.dlclose(library);
    const symbol = std.c.dlsym(library, "snd_pcm_drain").?;
    const function: *const fn (*alsa.Pcm) callconv(.c) c_int = @ptrCast(symbol);
    return function(client.pcm);
}

test "a resume that is unsupported, asks to try again, or lies" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    const asound = client.asound;
    try client.start(buffer_frames);
    client.advance(10);
    try client.inject(.resume_unsupported);
    try testing.expectError(error.Suspended, client.look());
    try expectErrno(.NOSYS, asound.snd_pcm_resume(client.pcm));
    try testing.expectEqual(.suspended, client.state());
    try ok(asound.snd_pcm_resume(client.pcm));
    client.advance(10);
    try testing.expectEqual(20, try client.look());

    try client.inject(.{ .resume_again = 3 });
    try testing.expectError(error.Suspended, client.look());
    for (0..3) |_| try expectErrno(.AGAIN, asound.snd_pcm_resume(client.pcm));
    try ok(asound.snd_pcm_resume(client.pcm));
    client.advance(10);
    try testing.expectEqual(30, try client.look());

    try client.inject(.resume_lies);
    try testing.expectError(error.Suspended, client.look());
    try testing.expectEqual(0, asound.snd_pcm_resume(client.pcm));
    try testing.expectEqual(.suspended, client.state());
    try testing.expectError(error.Suspended, client.look());
    try testing.expectEqual(0, asound.snd_pcm_resume(client.pcm));
    try testing.expectEqual(.running, client.state());

    try client.inject(.{ .resume_again = 3 });
    try testing.expectError(error.Suspended, client.look());
    // A PCM that is prepared has forgotten how its resume was to go.
    try client.prepareAnew();
    try client.start(10);
    try client.inject(.@"suspend");
    try testing.expectError(error.Suspended, client.look());
    try ok(asound.snd_pcm_resume(client.pcm));
}

/// A PCM in that state, on which 100 frames were played if it got as far.
fn openIn(state: alsa.PcmState) !Client {
    var client: Client = try .open(.{});
    errdefer client.close();
    if (state != .open) try client.setUp(.{});
    switch (state) {
        .open, .prepared => return client,
        .setup => {
            try ok(client.asound.snd_pcm_drop(client.pcm));
            return client;
        },
        else => try client.start(buffer_frames),
    }
    client.advance(100);
    switch (state) {
        .running => {},
        .paused => try ok(client.asound.snd_pcm_pause(client.pcm, 1)),
        .draining => try expectErrno(.AGAIN, drain(&client)),
        .xrun => {
            try client.inject(.xrun);
            try testing.expectError(error.Xrun, client.look());
        },
        .suspended => {
            try client.inject(.@"suspend");
            try testing.expectError(error.Suspended, client.look());
        },
        else => unreachable,
    }
    return client;
}

test "a device that is gone says so in every state, and can be closed" {
    for ([_]alsa.PcmState{
        .open, .setup, .prepared, .running, .xrun, .draining, .paused, .suspended,
    }) |state| {
        var client: Client = try openIn(state);
        defer client.close();
        try testing.expectEqual(state, client.state());
        try client.inject(.disconnect);
        if (state == .open) {
            try testing.expect(std.meta.isError(client.setUp(.{})));
            try testing.expectEqual(.disconnected, client.state());
            continue;
        }
        try testing.expectError(error.Disconnected, client.look());
        try testing.expectEqual(.disconnected, client.state());
        const asound = client.asound;
        const sample: i32 = 0;
        for ([_]c_long{
            asound.snd_pcm_prepare(client.pcm),
            asound.snd_pcm_start(client.pcm),
            asound.snd_pcm_pause(client.pcm, 0),
            asound.snd_pcm_resume(client.pcm),
            asound.snd_pcm_writei(client.pcm, &sample, 1),
            asound.snd_pcm_drop(client.pcm),
        }) |result| try expectErrno(.NODEV, result);
        client.advance(1000);
        try testing.expectError(error.Disconnected, client.look());
        const played: usize = if (state == .setup or state == .prepared) 0 else 100;
        try client.expectPlayed(counting(100, 100)[0..played]);
    }
}

test "a device that is gone does not come back when libasound drops it after a drain" {
    var client: Client = try .openPrepared(.{}, .{});
    defer client.close();
    try client.start(buffer_frames);
    try client.inject(.disconnect);
    try ok(client.asound.snd_pcm_nonblock(client.pcm, 0));
    try ok(drain(&client));
    try testing.expectEqual(.setup, client.state());
    try expectErrno(.NODEV, client.asound.snd_pcm_prepare(client.pcm));
    try testing.expectEqual(.disconnected, client.state());
}

test "a new ring holds silence, not what was in its memory before" {
    for (0..3) |_| {
        var client: Client = try .openPrepared(.{}, .{ .runs_on = true });
        defer client.close();
        try client.start(100);
        client.advance(buffer_frames);
        _ = client.asound.snd_pcm_avail(client.pcm);
        try client.expectPlayed(&counting(buffer_frames, 100));
        try client.write(buffer_frames);
    }
}

/// Past the boundary, so that the pointers wrap on the way.
const wrapping: Card.Options = .{ .frames_before_boundary = buffer_frames };

test "hardware that runs on plays zeros past the end where silence is filled in" {
    var client: Client = try .openPrepared(wrapping, .{ .runs_on = true, .fills_silence = true });
    defer client.close();
    try client.start(300);
    client.advance(1300);
    try testing.expectEqual(.running, client.state());
    _ = client.asound.snd_pcm_avail(client.pcm);
    try client.expectPlayed(&counting(1300, 300));
    // Written behind the hardware: too late to be heard.
    try client.write(buffer_frames);
    client.advance(200);
    _ = client.asound.snd_pcm_avail(client.pcm);
    try client.expectPlayed(&counting(1500, 300));
    try testing.expectEqual(0, client.card.status(0).tap_lost_frames);
}

test "hardware that runs on plays the ring over and over where no silence is filled in" {
    var client: Client = try .openPrepared(wrapping, .{ .runs_on = true });
    defer client.close();
    try client.start(300);
    client.advance(1300);
    _ = client.asound.snd_pcm_avail(client.pcm);
    const lap = counting(buffer_frames, 300);
    try client.expectPlayed(&(lap ++ lap ++ lap ++ lap[0..100].*));
    // Written behind the hardware, but heard in the next lap.
    try client.write(buffer_frames);
    client.advance(200);
    _ = client.asound.snd_pcm_avail(client.pcm);
    var next: [200]i32 = undefined;
    for (&next, 501..) |*sample, number| sample.* = @intCast(number);
    try client.expectPlayed(&(lap ++ lap ++ lap ++ lap[0..100].* ++ next));
    try testing.expectEqual(0, client.card.status(0).tap_lost_frames);
}

test "far past the end the tap records what it has room for, and counts the rest" {
    for ([_]bool{ false, true }) |fills_silence| {
        var client: Client = try .openPrepared(
            wrapping,
            .{ .runs_on = true, .fills_silence = fills_silence },
        );
        defer client.close();
        try client.start(buffer_frames);
        const frames = 1 << 31;
        try client.inject(.{ .pointer_jump = frames });
        _ = client.asound.snd_pcm_avail(client.pcm);
        const status = client.card.status(0);
        try testing.expectEqual(frames, status.frames_played);
        try testing.expect(status.tap_lost_frames <= frames - 2 * rate);
        client.advance(1);
        _ = client.asound.snd_pcm_avail(client.pcm);
        try testing.expectEqual(.SUCCESS, client.card.flush());
        var sample: [1]i32 = undefined;
        const last: u64 = @intFromFloat(frames - status.tap_lost_frames - 1);
        const bytes = std.mem.sliceAsBytes(&sample);
        try testing.expectEqual(4, try client.card.played(0, last, bytes));
        const expected: u64 = if (fills_silence) 0 else last % buffer_frames + 1;
        try testing.expectEqual(@as(i32, @intCast(expected)), sample[0]);
        try testing.expectEqual(0, try client.card.played(0, last + 2, bytes));
    }
}

test "hardware that transfers in batches moves its pointer in whole periods" {
    var client: Client = try .openPrepared(.{ .batch = true }, .{});
    defer client.close();
    try client.start(buffer_frames);
    for (1..buffer_frames) |frames| {
        client.advance(1);
        const whole: u64 = frames - frames % period_frames;
        try testing.expectEqual(whole, try client.look());
    }
    try client.prepareAnew();
    try client.start(buffer_frames);
    client.advance(150);
    try ok(client.asound.snd_pcm_pause(client.pcm, 1));
    client.advance(1000);
    try ok(client.asound.snd_pcm_pause(client.pcm, 0));
    client.advance(49);
    try testing.expectEqual(100, try client.look());
    // What a client that waits for room is woken by.
    const substream = client.card.substreams.items[0];
    const next_ns = clock.nsOf(client.advanced_frames + 1, rate);
    try testing.expectEqual(next_ns, substream.instantOf(101));
    try testing.expectEqual(next_ns, substream.instantOf(200));
    client.advance(1);
    try testing.expectEqual(200, try client.look());
}

test "in batches an underrun and the end of a drain come at the end of a period" {
    for ([_]bool{ false, true }) |drains| {
        var client: Client = try .openPrepared(.{ .batch = true }, .{});
        defer client.close();
        try client.start(250);
        if (drains) try expectErrno(.AGAIN, drain(&client));
        client.advance(299);
        try testing.expectEqual(200, try client.look());
        client.advance(1);
        _ = client.asound.snd_pcm_avail(client.pcm);
        const ended: alsa.PcmState = if (drains) .setup else .xrun;
        try testing.expectEqual(ended, client.state());
        try client.expectPlayed(&counting(250, 250));
    }
}
