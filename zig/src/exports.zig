//! The exported functions: checks at the border, then one call inwards. Every argument is checked
//! here although TypeScript checked it too: both runtimes coerce silently.

const std = @import("std");
const abi = @import("abi.zig");
const reflect = @import("abi_reflect.zig");
const clock = @import("clock.zig");
const engine = @import("engine.zig");
const failure = @import("failure.zig");
const handles = @import("handles.zig");
const memory = @import("memory.zig");
const poll_timer = @import("card/poll_timer.zig");
const realm_module = @import("realm.zig");
const record = @import("record.zig");
const threads = @import("threads.zig");
const virtual_card = @import("virtual_card.zig");
const Card = @import("card/card.zig").Card;
const Realm = realm_module.Realm;
const Simulation = @import("simulation.zig").Simulation;
const Stream = @import("stream.zig").Stream;
const nobody = @import("stream.zig").nobody;
const WavFile = @import("card/wav.zig").WavFile;
const VirtualCard = virtual_card.VirtualCard;

/// Each public declaration is exported under `halflap_` and its name.
pub const functions = struct {
    pub fn abi_hash() callconv(.c) u32 {
        return comptime reflect.hashOf(reflect.symbols(functions));
    }

    pub fn now_ms() callconv(.c) f64 {
        return toMs(clock.monotonicNs());
    }

    pub fn error_text(out: ?[*]u8, byte_length: u32) callconv(.c) i32 {
        // A text belongs to one failure: read twice, or after one without a text, it is empty.
        defer failure.last.length = 0;
        return copyText(failure.last.text(), out, byte_length);
    }

    pub fn counters(out: ?[*]u8, length: u32) callconv(.c) i32 {
        return done(record.write(abi.Counters, out, length, .{
            .handles = @floatFromInt(handles.count()),
            .realms = load(&realm_count),
            .streams = load(&engine.stream_count),
            .cards = load(&virtual_card.count),
            .threads = load(&threads.count),
            .descriptors = load(&realm_module.descriptor_count) +
                load(&poll_timer.descriptor_count),
            .pending_waits = load(&realm_module.pending_waits),
            .views = 0,
            .pcms = load(&@import("jobs.zig").pcm_count),
            .bytes = @floatFromInt(memory.byte_count.load(.monotonic)),
        }));
    }

    pub fn realm_open() callconv(.c) i32 {
        const realm = engine.allocator.create(Realm) catch return code(.out_of_memory);
        realm.* = .{};
        const handle = handles.add(Realm, realm) catch {
            engine.allocator.destroy(realm);
            return code(.too_many_handles);
        };
        _ = realm_count.fetchAdd(1, .monotonic);
        return @intCast(handle);
    }

    pub fn realm_wait(handle: u32, timeout_ms: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const rung = realm.wait(timeout_ms) catch return code(.invalid_state);
        return @intFromBool(rung);
    }

    pub fn realm_ring(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.ring();
        return 0;
    }

    pub fn realm_pipe_open(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return realm.openPipe() catch code(.invalid_state);
    }

    pub fn realm_pipe_shut(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.shutPipe();
        return 0;
    }

    pub fn realm_pipe_close(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.closePipe();
        return 0;
    }

    pub fn realm_events(handle: u32, out: ?[*]u8, capacity_pairs: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const bytes = out orelse return code(.invalid_argument);
        const allowed = capacity_pairs > 0 and capacity_pairs <= handles.capacity;
        if (!allowed) return code(.invalid_argument);
        if (@intFromPtr(bytes) % @alignOf(u32) != 0) return code(.invalid_argument);
        const pairs: [*][2]u32 = @ptrCast(@alignCast(bytes));
        return @intCast(realm.fetch(pairs[0..capacity_pairs]));
    }

    pub fn realm_close(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        if (realm.stream_count.load(.monotonic) > 0 or realm.waiting.load(.acquire)) {
            handles.unpin(handle);
            return code(.invalid_state);
        }
        handles.remove(handle);
        realm.closePipe();
        engine.allocator.destroy(realm);
        _ = realm_count.fetchSub(1, .monotonic);
        return 0;
    }

    pub fn stream_open(
        realm_handle: u32,
        options: ?[*]const u8,
        options_length: u32,
        device: ?[*]const u8,
        device_bytes: u32,
        clip: ?[*]const u8,
        clip_bytes: u32,
    ) callconv(.c) i32 {
        const realm = handles.pin(Realm, realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const given = record.read(abi.StreamOptions, options, options_length) catch
            return refuse(.invalid_argument, "The options record has the wrong length", .{});
        const name = slice(device, device_bytes) orelse
            return refuse(.invalid_argument, "The device has no name", .{});
        const parsed = engine.parseOptions(given, name) catch
            return refuse(.invalid_argument, "An option is outside its range", .{});
        const sound = slice(clip, clip_bytes) orelse "";
        const handle = engine.openStream(realm, parsed, sound) catch |err| return switch (err) {
            error.InvalidArgument => refuse(
                .invalid_argument,
                "The clip is not a whole number of frames",
                .{},
            ),
            error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a stream", .{}),
            error.TooManyHandles => refuse(
                .too_many_handles,
                "All {d} handles are in use",
                .{handles.capacity},
            ),
            error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
            error.DeviceNotFound => refuse(
                .device_not_found,
                "There is no virtual card \"{s}\"",
                .{name},
            ),
        };
        return @intCast(handle);
    }

    pub fn stream_granted(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        engine.lockOpen(stream) catch |err| return codeOf(err);
        defer stream.control.unlock();
        return done(record.write(abi.Granted, out, length, granted(stream)));
    }

    pub fn stream_text(handle: u32, which: u32, out: ?[*]u8, byte_length: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const text = record.enumeration(abi.Text, @floatFromInt(which)) catch
            return code(.invalid_argument);
        return copyText(switch (text) {
            .failure => stream.failure.text(),
            .call => stream.failure.call,
            .device => stream.options.device(),
            .access_reason => switch (stream.lifecycle.load(.acquire)) {
                .open => stream.granted.access_reason,
                else => "",
            },
        }, out, byte_length);
    }

    pub fn stream_stats(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return done(record.write(abi.Stats, out, length, stats(stream)));
    }

    pub fn stream_completions(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const completed = stream.published.read().completed;
        var values: abi.Completion = undefined;
        inline for (@typeInfo(abi.Command).@"enum".fields) |kind| {
            @field(values, kind.name ++ "_count") = @floatFromInt(completed[kind.value].count);
            const result = code(completed[kind.value].result);
            @field(values, kind.name ++ "_result") = @floatFromInt(result);
        }
        return done(record.write(abi.Completion, out, length, values));
    }

    pub fn stream_write(
        handle: u32,
        data: ?[*]const u8,
        byte_length: u32,
        offset_frames: u32,
        frames: u32,
    ) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const taken = engine.write(stream, data, byte_length, offset_frames, frames) catch |err|
            return codeOf(err);
        return @intCast(taken);
    }

    pub fn stream_await_room(handle: u32, frames: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const there = engine.awaitRoom(stream, frames) catch |err| return codeOf(err);
        return @intFromBool(there);
    }

    pub fn stream_command(
        handle: u32,
        command: u32,
        fade_ms: f64,
        timeout_ms: f64,
    ) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const kind = record.enumeration(abi.Command, @floatFromInt(command)) catch
            return code(.invalid_argument);
        const fade = record.real(fade_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        const timeout = record.real(timeout_ms, -1, 1e12) catch return code(.invalid_argument);
        const ordinal = engine.command(stream, kind, @floatCast(fade), timeout) catch |err|
            return codeOf(err);
        return @intCast(ordinal);
    }

    pub fn stream_set_gain(handle: u32, gain: f64, ramp_ms: f64) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const factor = record.real(gain, 0, engine.gain_max) catch return code(.invalid_argument);
        const ramp = record.real(ramp_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        engine.setGain(stream, @floatCast(factor), @floatCast(ramp)) catch |err| return codeOf(err);
        return 0;
    }

    pub fn stream_close(handle: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        engine.closeStream(stream);
        return 0;
    }

    pub fn stream_release(handle: u32) callconv(.c) i32 {
        const stream = handles.pin(Stream, handle) orelse return code(.invalid_handle);
        engine.releaseStream(stream) catch |err| {
            handles.unpin(handle);
            return codeOf(err);
        };
        return 0;
    }

    pub fn card_open(
        options: ?[*]const u8,
        length: u32,
        tap_path: ?[*]const u8,
        path_bytes: u32,
    ) callconv(.c) i32 {
        const given = record.read(abi.CardOptions, options, length) catch
            return refuse(.invalid_argument, "The options record has the wrong length", .{});
        const parsed = parseCard(given) catch
            return refuse(.invalid_argument, "An option of the card is outside its range", .{});
        const tap = parseTap(given, slice(tap_path, path_bytes)) catch
            return refuse(.invalid_argument, "A WAV tap needs a path, any other tap none", .{});
        if (tap == .wav) {
            const path = std.posix.toPosixPath(tap.wav) catch
                return refuse(.io, "The path of the tap is too long", .{});
            const errno = WavFile.probe(&path);
            if (errno != .SUCCESS) {
                const reason = std.mem.span(strerror(@intFromEnum(errno)));
                return refuse(.io, "Cannot write \"{s}\": {s}", .{ tap.wav, reason });
            }
        }
        const card = VirtualCard.create(parsed, tap) catch |err| return switch (err) {
            error.InvalidArgument => refuse(
                .invalid_argument,
                "The limits of the card contradict each other",
                .{},
            ),
            error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a card", .{}),
            error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
        };
        const handle = handles.add(VirtualCard, card) catch {
            card.destroy();
            return refuse(.too_many_handles, "All {d} handles are in use", .{handles.capacity});
        };
        return @intCast(handle);
    }

    pub fn card_advance(handle: u32, milliseconds: f64) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const ms = record.real(milliseconds, 0, 1e9) catch return code(.invalid_argument);
        const simulation = simulationOf(card) orelse return code(.invalid_state);
        if (ms > 0) simulation.advanceNs(@intFromFloat(@round(ms * std.time.ns_per_ms)));
        return run(simulation);
    }

    pub fn card_advance_frames(handle: u32, frames: f64, rate: f64) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const count = record.integer(u64, frames, 0, 1 << 40) catch return code(.invalid_argument);
        const per_second = record.integer(u32, rate, engine.rate_min, engine.rate_max) catch
            return code(.invalid_argument);
        const simulation = simulationOf(card) orelse return code(.invalid_state);
        simulation.advanceFrames(count, per_second);
        return run(simulation);
    }

    pub fn card_played(
        handle: u32,
        substream: u32,
        offset_frames: f64,
        out: ?[*]u8,
        byte_length: u32,
    ) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const offset = record.integer(u64, offset_frames, 0, 1 << 52) catch
            return code(.invalid_argument);
        const to = out orelse return code(.invalid_argument);
        if (byte_length > std.math.maxInt(i32)) return code(.invalid_argument);
        const room = to[0..byte_length];
        const copied = card.card.played(substream, offset, room) catch |err| return switch (err) {
            error.UnknownSubstream => code(.invalid_argument),
            error.NoMemoryTap => code(.invalid_state),
        };
        return @intCast(copied);
    }

    pub fn card_status(handle: u32, substream: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return done(record.write(abi.CardStatus, out, length, card.card.status(substream)));
    }

    pub fn card_flush(handle: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const errno = card.card.flush();
        if (errno == .SUCCESS) return 0;
        return refuse(.io, "Cannot record what the card played: {s}", .{@tagName(errno)});
    }

    pub fn card_close(handle: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        if (card.streams.load(.acquire) > 0) {
            handles.unpin(handle);
            return code(.invalid_state);
        }
        handles.remove(handle);
        card.destroy();
        return 0;
    }
};

extern "c" fn strerror(errno: c_int) [*:0]const u8;

var realm_count: std.atomic.Value(u32) = .init(0);

fn code(value: abi.ErrorCode) i32 {
    return @intFromEnum(value);
}

fn codeOf(err: engine.StateError) i32 {
    return switch (err) {
        error.InvalidState => code(.invalid_state),
        error.InvalidArgument => code(.invalid_argument),
    };
}

fn done(result: record.Error!void) i32 {
    result catch return code(.invalid_argument);
    return 0;
}

/// Fails with a text for `error_text`.
fn refuse(value: abi.ErrorCode, comptime format: []const u8, arguments: anytype) i32 {
    failure.last.set(value, format, arguments);
    return code(value);
}

fn slice(bytes: ?[*]const u8, length: u32) ?[]const u8 {
    const start = bytes orelse return null;
    return if (length == 0) null else start[0..length];
}

fn copyText(text: []const u8, out: ?[*]u8, byte_length: u32) i32 {
    const to = out orelse return code(.invalid_argument);
    const length = @min(text.len, byte_length);
    @memcpy(to[0..length], text[0..length]);
    return @intCast(length);
}

fn load(value: *const std.atomic.Value(u32)) f64 {
    return @floatFromInt(value.load(.acquire));
}

fn toMs(ns: u64) f64 {
    return @as(f64, @floatFromInt(ns)) / std.time.ns_per_ms;
}

fn flag(value: bool) f64 {
    return if (value) 1 else 0;
}

fn granted(stream: *const Stream) abi.Granted {
    const of = &stream.granted;
    const whole = of.buffer_frames % of.period_frames == 0;
    const queue_frames = switch (stream.source) {
        .queue => |*queue| queue.capacity_frames,
        .tone, .clip, .silence => 0,
    };
    const threshold = stream.start_threshold_frames;
    return .{
        .access = @floatFromInt(@intFromEnum(of.access)),
        .layout = @floatFromInt(@intFromEnum(of.layout)),
        .format = @floatFromInt(@intFromEnum(of.format)),
        .channels = @floatFromInt(of.channels),
        .rate = @floatFromInt(of.rate),
        .period_frames = @floatFromInt(of.period_frames),
        .buffer_frames = @floatFromInt(of.buffer_frames),
        .periods = if (whole) @floatFromInt(of.buffer_frames / of.period_frames) else 0,
        .boundary = @floatFromInt(of.boundary),
        .queue_frames = @floatFromInt(queue_frames),
        .start_threshold_frames = if (threshold == nobody) -1 else @floatFromInt(threshold),
        .clock = @floatFromInt(@intFromEnum(std.meta.activeTag(stream.pacer))),
        .mmap = @floatFromInt(@intFromEnum(mmapKind(stream))),
        .pcm_type = @floatFromInt(@intFromEnum(stream.pcm_type)),
        .batch = flag(of.batch),
        .can_pause = flag(of.can_pause),
        .can_resume = flag(of.can_resume),
        .can_disable_period_wakeup = flag(of.can_disable_period_wakeup),
        .simulated = flag(stream.simulation() != null),
        .realtime = @floatFromInt(@intFromEnum(stream.scheduling.realtime)),
        .realtime_priority = @floatFromInt(stream.scheduling.priority),
    };
}

fn mmapKind(stream: *const Stream) abi.MmapKind {
    if (stream.granted.access != .mmap) return .none;
    return if (stream.pcm_type == .hw) .real else .emulated;
}

fn stats(stream: *Stream) abi.Stats {
    const snapshot = stream.published.read();
    const over = snapshot.state == .disconnected;
    const queue = queueCounts(stream);
    return .{
        .state = @floatFromInt(@intFromEnum(snapshot.state)),
        .frames_accepted = @floatFromInt(queue.accepted),
        .frames_queued = @floatFromInt(queue.queued),
        .frames_written = @floatFromInt(snapshot.frames_written),
        .frames_padded = @floatFromInt(snapshot.frames_padded),
        .frames_played = @floatFromInt(snapshot.frames_played),
        .frames_dropped = @floatFromInt(snapshot.frames_dropped),
        .delay_frames = @floatFromInt(snapshot.delay_frames),
        .xruns = @floatFromInt(snapshot.xruns),
        .wake_ups = @floatFromInt(snapshot.wake_ups),
        .idle_wake_ups = @floatFromInt(snapshot.idle_wake_ups),
        .timestamp_frames = @floatFromInt(snapshot.timestamp_frames),
        .timestamp_ms = toMs(snapshot.timestamp_ns),
        .error_code = if (over) @floatFromInt(code(stream.failure.code)) else 0,
        .error_errno = if (over) @floatFromInt(stream.failure.errno) else 0,
        .gain = snapshot.gain,
        .clock_demotions = @floatFromInt(snapshot.clock_demotions),
    };
}

fn simulationOf(card: *VirtualCard) ?*Simulation {
    return if (card.simulation) |*simulation| simulation else null;
}

/// 1: stopped early, because a stream of the card has events for JavaScript to see first.
fn run(simulation: *Simulation) i32 {
    return @intFromBool(!simulation.run());
}

fn parseTap(given: abi.CardOptions, path: ?[]const u8) record.Error!Card.Tap {
    const wanted = try record.enumeration(abi.Tap, given.tap);
    if ((path != null) != (wanted == .wav)) return error.InvalidArgument;
    return switch (wanted) {
        .none => .none,
        .memory => .memory,
        .wav => .{ .wav = path.? },
    };
}

fn parseCard(given: abi.CardOptions) record.Error!Card.Options {
    return .{
        .clock = try record.enumeration(abi.CardClock, given.clock),
        .drift_ppm = try record.real(given.drift_ppm, -100_000, 100_000),
        .format_mask = try record.integer(u32, given.format_mask, 0, 0x7f),
        .access_mask = try record.integer(u32, given.access_mask, 0, 0xf),
        .rate_min = try limit(given.rate_min),
        .rate_max = try limit(given.rate_max),
        .channels_min = try limit(given.channels_min),
        .channels_max = try limit(given.channels_max),
        .period_frames_min = try limit(given.period_frames_min),
        .period_frames_max = try limit(given.period_frames_max),
        .periods_min = try limit(given.periods_min),
        .periods_max = try limit(given.periods_max),
        .substreams = try limit(given.substreams),
        .no_pause = try record.boolean(given.no_pause),
        .frames_before_boundary = try limit(given.frames_before_boundary),
    };
}

fn limit(value: f64) record.Error!u32 {
    return record.integer(u32, value, 0, std.math.maxInt(u31));
}

const QueueCounts = struct { accepted: u64 = 0, queued: u32 = 0 };

/// Closing frees the queue, and with it what was not played.
fn queueCounts(stream: *Stream) QueueCounts {
    if (stream.options.source != .queue) return .{};
    engine.lockOpen(stream) catch return .{ .accepted = stream.frames_accepted };
    defer stream.control.unlock();
    const queue = &stream.source.queue;
    stream.frames_accepted = queue.written.load(.acquire);
    return .{ .accepted = stream.frames_accepted, .queued = queue.level() };
}
