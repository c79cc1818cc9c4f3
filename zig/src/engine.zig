//! The control side of the engine: makes and ends streams and gives them their commands. Everything
//! here runs on JavaScript's threads.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const handles = @import("handles.zig");
const jobs = @import("jobs.zig");
const owner_watch = @import("owner_watch.zig");
const realtime = @import("realtime.zig");
const record = @import("record.zig");
const sample = @import("sample.zig");
const stream_module = @import("stream.zig");
const virtual_card = @import("virtual_card.zig");
const zero_copy = @import("zero_copy.zig");
const ChannelMap = @import("alsa/channel_map.zig").ChannelMap;
const Command = @import("command.zig").Command;
const Janitor = @import("janitor.zig").Janitor;
const Driver = @import("rate_group.zig").Driver;
const GroupThread = @import("group_thread.zig").GroupThread;
const Options = stream_module.Options;
const Pool = @import("pool.zig").Pool;
const RateGroup = @import("rate_group.zig").RateGroup;
const Realm = @import("realm.zig").Realm;
const Request = stream_module.Request;
const Simulation = @import("simulation.zig").Simulation;
const Source = @import("source.zig").Source;
const Stream = stream_module.Stream;

pub const allocator = std.heap.c_allocator;

pub var janitor: Janitor = .{ .look = owner_watch.look };
/// What exists, for leak checks.
pub var stream_count: std.atomic.Value(u32) = .init(0);
pub var realm_count: std.atomic.Value(u32) = .init(0);

var streams: Pool(Stream) = .{};

pub const rate_min = 4_000;
pub const rate_max = 768_000;
pub const queue_frames_max = 1 << 28;
pub const gain_max = 16;
pub const fade_ms_max = 60_000;

pub const RealmError = error{ OutOfMemory, TooManyHandles };

/// The handle of a new realm.
pub fn openRealm() RealmError!u32 {
    const realm = try allocator.create(Realm);
    errdefer allocator.destroy(realm);
    realm.* = .{};
    const handle = try handles.add(Realm, realm);
    _ = realm_count.fetchAdd(1, .monotonic);
    janitor.keep(owner_watch.intervalMs());
    // Without a thread nobody looks after what the realm may leave behind; all else works.
    janitor.staff() catch {};
    return handle;
}

/// Closes a realm that the caller has pinned. False: it still has streams or a wait, or is being
/// closed already; the caller still has its pin.
pub fn releaseRealm(handle: u32, realm: *Realm) bool {
    if (realm.waiting.load(.acquire) or !realm.retire()) return false;
    if (!handles.remove(handle)) return false;
    realm.closePipe();
    allocator.destroy(realm);
    _ = realm_count.fetchSub(1, .monotonic);
    janitor.letGo();
    return true;
}

fn work(task: *Janitor.Task) void {
    const stream: *Stream = @alignCast(@fieldParentPtr("task", task));
    // `freeStream` waits for this pin: the stream and its realm live until the job has returned.
    const handle = pin(stream);
    defer handles.unpin(handle);
    // A job that gave the stream back may still be on its way out when the next one begins.
    stream.working.lock();
    defer stream.working.unlock();
    // So may the call that asked for the close, which still uses the group.
    if (stream.job == .close) {
        stream.control.lock();
        stream.control.unlock();
    }
    switch (stream.job) {
        .open => jobs.open(stream, &driver),
        .settle, .recover, .wake => jobs.mend(stream),
        .close => jobs.close(stream),
    }
}

/// Pins a stream that cannot be freed yet, but could as soon as it is closed.
pub fn pin(stream: *Stream) u32 {
    while (true) {
        const handle = stream.handle.load(.acquire);
        // Where the stream goes to another realm just now, it has another handle at once.
        const pinned = handles.pin(Stream, handle) orelse continue;
        assert(pinned == stream);
        return handle;
    }
}

const driver: Driver = .{
    .handOver = handOver,
    .cpuNs = GroupThread.cpuNs,
    .measure = GroupThread.measure,
};

fn handOver(_: *RateGroup, stream: *Stream) void {
    janitor.submit(&stream.task);
}

pub fn parseOptions(options: abi.StreamOptions) record.Error!Options {
    return .{
        .wanted = .{
            .access = try record.enumeration(abi.Access, options.access),
            .format = try record.enumeration(sample.Format, options.format),
            .channels = try record.integer(u32, options.channels, 1, sample.max_channels),
            .rate = try record.integer(u32, options.rate, rate_min, rate_max),
            .rate_exact = try record.boolean(options.rate_exact),
            .period_frames = try record.optional(u32, options.period_frames, 16, 1 << 24),
            .periods = try record.optional(u32, options.periods, 2, 1024),
            .xrun_policy = try record.enumeration(abi.XrunPolicy, options.xrun_policy),
            .channel_map = try parseChannelMap(&options),
        },
        .queue_frames = try record.optional(u32, options.queue_frames, 1, queue_frames_max),
        .start_threshold_frames = try parseThreshold(options.start_threshold_frames),
        .source = try record.enumeration(abi.SourceKind, options.source),
        .tone_frequency_hz = try record.real(options.tone_frequency_hz, 0, options.rate / 2),
        .tone_amplitude = @floatCast(try record.real(options.tone_amplitude, 0, 1)),
        .clip_loop = try record.boolean(options.clip_loop),
        .gain = @floatCast(try record.real(options.gain, 0, gain_max)),
        .realtime = try parseRealtime(&options),
    };
}

/// Of all channels or of none.
fn parseChannelMap(options: *const abi.StreamOptions) record.Error!ChannelMap {
    var map: ChannelMap = .{};
    inline for (0..sample.max_channels / 4) |part| {
        const name = comptime std.fmt.comptimePrint("channel_map_{d}", .{4 * part});
        const bits = try record.integer(u32, @field(options, name), 0, std.math.maxInt(u32));
        for (std.mem.asBytes(&bits)) |number| {
            if (number == 0) break;
            map.positions[map.count] = std.enums.fromInt(abi.ChannelPosition, number) orelse
                return error.InvalidArgument;
            map.count += 1;
        }
    }
    const channels: f64 = @floatFromInt(map.count);
    return if (map.count == 0 or channels == options.channels) map else error.InvalidArgument;
}

fn parseRealtime(options: *const abi.StreamOptions) record.Error!realtime.Wanted {
    const highest = realtime.priority_max;
    const range: realtime.Range = .{
        .lowest = try record.integer(u7, options.realtime_lowest, 1, highest),
        .highest = try record.integer(u7, options.realtime_highest, 1, highest),
    };
    if (range.lowest > range.highest) return error.InvalidArgument;
    var wanted: realtime.Wanted = .{ .range = range };
    const latency_us = options.cpu_dma_latency_us;
    if (latency_us != -1) {
        wanted.cpu_dma_latency_us = try record.integer(u31, latency_us, 0, std.math.maxInt(u31));
    }
    const parts = [_]f64{ options.cpus_0, options.cpus_32, options.cpus_64, options.cpus_96 };
    for (parts, 0..) |part, index| {
        const bits = try record.integer(u32, part, 0, std.math.maxInt(u32));
        wanted.cpus |= @as(realtime.Cpus, bits) << @intCast(32 * index);
    }
    if (options.realtime == -1) {
        wanted.priority = .off;
    } else if (try record.optional(u7, options.realtime, 1, highest)) |priority| {
        wanted.priority = .{ .fixed = priority };
    }
    return wanted;
}

fn parseThreshold(frames: f64) record.Error!Options.StartThreshold {
    if (frames == -1) return .never;
    const given = try record.optional(u32, frames, 1, queue_frames_max) orelse return .buffer;
    return .{ .frames = given };
}

pub const OpenError = error{
    InvalidArgument,
    OutOfMemory,
    TooManyHandles,
    ThreadUnavailable,
    DeviceNotFound,
    Retired,
};

/// The stream's handle; whether the open succeeds is told by its events. The source is the stream's
/// from now on: `makeClip`, `makeMix`, or silence for what the janitor makes.
pub fn openStream(
    realm: *Realm,
    device: []const u8,
    options: Options,
    source: Source,
) OpenError!u32 {
    var given = source;
    errdefer given.destroy();
    const name = try allocator.dupeZ(u8, device);
    errdefer allocator.free(name);
    const stream = try streams.create();
    errdefer streams.destroy(stream);
    stream.* = .{
        .options = options,
        .device = name,
        .owner = .init(realm),
        .realm = realm,
        .source = given,
        .task = .{ .run = work },
    };
    if (virtual_card.isName(name)) {
        if (!virtual_card.attach(stream)) return error.DeviceNotFound;
    }
    errdefer virtual_card.detach(stream);
    try realm.adopt();
    errdefer realm.disown();
    const handle = try handles.add(Stream, stream);
    errdefer {
        _ = handles.pin(Stream, handle);
        _ = handles.remove(handle);
    }
    stream.handle.store(handle, .release);
    // Counted before a janitor is looked for: one that is about to leave stays.
    _ = stream_count.fetchAdd(1, .monotonic);
    janitor.keep(owner_watch.intervalMs());
    errdefer countOut();
    if (stream.simulation()) |simulation| {
        jobs.open(stream, &Simulation.driver);
        simulation.settle();
        return handle;
    }
    try janitor.staff();
    if (blocksNothing(stream)) openHere(stream) else janitor.submit(&stream.task);
    return handle;
}

/// To open a card that nobody else has takes less time than the way to a janitor and back. The first
/// stream has libasound to load besides.
fn blocksNothing(stream: *const Stream) bool {
    return stream.card_owned and jobs.pcm_count.load(.monotonic) > 0;
}

fn openHere(stream: *Stream) void {
    const handle = pin(stream);
    defer handles.unpin(handle);
    stream.working.lock();
    defer stream.working.unlock();
    jobs.openWithTurn(stream, &driver);
}

fn countOut() void {
    _ = stream_count.fetchSub(1, .monotonic);
    janitor.letGo();
}

/// In whole frames of the format that was asked for, which is the one that is granted.
pub fn makeClip(options: *const Options, clip: []const u8) OpenError!Source {
    const frame_bytes = options.frameBytes();
    if (clip.len == 0 or clip.len % frame_bytes != 0) return error.InvalidArgument;
    return .{ .clip = try .create(clip, frame_bytes, options.clip_loop) };
}

/// Requests of the control side; on the simulated clock they take effect before this returns.
pub fn post(stream: *Stream, bits: u32) void {
    stream.post(bits);
    if (stream.simulation()) |simulation| simulation.settle();
}

pub const StateError = error{ InvalidState, InvalidArgument };

/// Holds `control` on success: the stream is open and nobody closes it meanwhile.
pub fn lockOpen(stream: *Stream) StateError!void {
    stream.control.lock();
    if (stream.lifecycle.load(.acquire) == .open and !stream.closing) return;
    stream.control.unlock();
    return error.InvalidState;
}

pub const CommandError = StateError || error{TooManyCommands};

/// The ordinal of this command among its kind.
pub fn command(stream: *Stream, kind: abi.Command, fade_ms: f32, timeout_ms: f64) CommandError!u32 {
    try lockOpen(stream);
    defer stream.control.unlock();
    const deadline_ns = if (kind == .drain and timeout_ms >= 0)
        stream.now() + @as(u64, @intFromFloat(timeout_ms * std.time.ns_per_ms))
    else
        Command.never;
    stream.commands.push(.{
        .kind = kind,
        .fade_ms = fade_ms,
        .deadline_ns = deadline_ns,
        .accepted_frames = stream.source.given(),
    }) catch return error.TooManyCommands;
    if (kind == .drain) stream.draining.store(true, .seq_cst);
    const given = &stream.commands_given[@intFromEnum(kind)];
    given.* += 1;
    const ordinal = given.*;
    post(stream, Request.command);
    return ordinal;
}

pub fn setGain(stream: *Stream, gain: f32, ramp_ms: f32) StateError!void {
    try lockOpen(stream);
    defer stream.control.unlock();
    stream.gain_ramp_frames.store(stream.framesOfMs(ramp_ms), .release);
    stream.gain_target.store(@bitCast(gain), .release);
    post(stream, Request.gain);
}

/// Begins to close; the event `closed` follows. Closing twice changes nothing.
pub fn closeStream(stream: *Stream) void {
    stream.control.lock();
    defer stream.control.unlock();
    if (stream.closing) return;
    stream.closing = true;
    stream.room.ring();
    switch (stream.lifecycle.load(.acquire)) {
        // The open sees `closing` at its end, or the group the request.
        .opening => stream.post(Request.close),
        .open => post(stream, Request.close),
        // Nothing is left that could block.
        .open_failed => jobs.close(stream),
        .closed => unreachable,
    }
}

/// Begins to close a stream whose owner is gone; should that come back, it finds a failure.
pub fn abandonStream(stream: *Stream) void {
    stream.control.lock();
    const closing = stream.closing;
    if (!closing) stream.abandoned.store(true, .release);
    stream.control.unlock();
    if (!closing) closeStream(stream);
}

/// Frees a closed stream, which the caller has pinned. False: it is not closed, or being freed
/// already; the caller still has its pin.
pub fn freeStream(stream: *Stream) bool {
    if (stream.lifecycle.load(.acquire) != .closed) return false;
    if (!handles.remove(stream.handle.load(.acquire))) return false;
    zero_copy.release(stream);
    const owner = stream.owner.load(.acquire);
    // Events that nobody fetched are dropped.
    if (owner) |realm| _ = realm.take(stream);
    allocator.free(stream.device);
    streams.destroy(stream);
    if (owner) |realm| realm.disown();
    countOut();
    return true;
}
