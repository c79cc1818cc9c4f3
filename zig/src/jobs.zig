//! What the janitor does with a stream: the calls of libasound that can block. On the simulated
//! clock, and where nothing can block, the same functions run inline.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const failure = @import("failure.zig");
const groups = @import("groups.zig");
const holders = @import("devices/holders.zig");
const machine = @import("machine.zig");
const memory = @import("memory.zig");
const negotiate = @import("alsa/negotiate.zig");
const noise = @import("alsa/noise.zig");
const realtime = @import("realtime.zig");
const sample = @import("sample.zig");
const served_close = @import("served_close.zig");
const stream_module = @import("stream.zig");
const virtual_card = @import("virtual_card.zig");
const zero_copy = @import("zero_copy.zig");
const Driver = @import("rate_group.zig").Driver;
const Block = @import("block.zig").Block;
const DmaLatency = @import("dma_latency.zig").DmaLatency;
const Pacer = @import("pacing.zig").Pacer;
const Queue = @import("queue.zig").Queue;
const Request = stream_module.Request;
const Stream = stream_module.Stream;

/// The queue bridges an ordinary garbage collection.
const default_queue_ms = 100;

/// A longer ring takes milliseconds to fill.
const turn_frames_max = 1 << 14;

/// PCMs that are open, for leak checks.
pub var pcm_count: std.atomic.Value(u32) = .init(0);

/// Opens the PCM and joins the group of its kind that `driver` drives.
pub fn open(stream: *Stream, driver: *const Driver) void {
    if (openPrepared(stream, driver)) stream.post(Request.returned);
}

/// The same for the call that opens a stream: it gives it its first turn as well, if that is short.
/// What plays by itself plays when it returns, and the group takes it over like one that a janitor
/// brings back.
pub fn openWithTurn(stream: *Stream, driver: *const Driver) void {
    if (!openPrepared(stream, driver)) return;
    if (stream.granted.buffer_frames > turn_frames_max) return stream.post(Request.returned);
    const now_ns = stream.now();
    stream.turn = .{ .now_ns = now_ns, .due_ns = now_ns };
    switch (machine.wake(stream, now_ns)) {
        .fill_at, .wake_at, .sleep => stream.post(Request.returned),
        .janitor => |job| {
            stream.job = job;
            driver.handOver(stream.group.load(.seq_cst).?, stream);
        },
    }
}

/// False: it could not be opened, and its realm has been told.
fn openPrepared(stream: *Stream, driver: *const Driver) bool {
    const opened = if (tryOpen(stream, driver)) |_| true else |_| false;
    if (opened) {
        stream.state = .prepared;
        stream.news |= @intFromEnum(abi.Event.opened);
    } else releaseNative(stream);

    stream.control.lock();
    stream.lifecycle.store(if (opened) .open else .open_failed, .release);
    const closing = stream.closing;
    stream.control.unlock();

    if (opened) return true;
    if (closing) {
        close(stream);
        return false;
    }
    stream.counters.state = .disconnected;
    stream.published.write(&stream.counters);
    stream.notify(@intFromEnum(abi.Event.failed));
    return false;
}

const OpenError = error{OpenFailed};

fn tryOpen(stream: *Stream, driver: *const Driver) OpenError!void {
    const asound = alsa.load() catch |err| {
        stream.failure.set(failure.codeOfLoad(err), "{s}", .{alsa.failureText()});
        return error.OpenFailed;
    };
    stream.asound = asound;
    noise.capture(asound);
    try openPcm(stream);
    _ = pcm_count.fetchAdd(1, .monotonic);
    stream.pcm_type = asound.snd_pcm_type(stream.pcm.?);
    var wanted = stream.options.wanted;
    if (stream.card) |card| wanted.virtual = .{ .batch = card.card.options.batch };
    stream.granted = negotiate.negotiate(asound, stream.pcm.?, wanted, &stream.failure) catch
        return error.OpenFailed;
    stream.granted.served = stream.isServed();
    stream.pacer = switch (Pacer.kindOf(stream.pcm_type)) {
        .device => .device,
        .self => .{ .self = .{} },
    };
    if (asound.snd_pcm_status_malloc(&stream.status) < 0) return outOfMemory(stream);
    const wanted_us = stream.options.realtime.cpu_dma_latency_us;
    if (wanted_us) |us| stream.dma_latency = .open(us);
    try checkTones(stream);
    makeSource(stream) catch return outOfMemory(stream);
    if (stream.granted.access == .mmap) touchRing(stream);
    joinGroup(stream, driver) catch |err| switch (err) {
        error.OutOfMemory => return outOfMemory(stream),
        error.ThreadUnavailable => {
            stream.failure.set(.thread, "Cannot start the write thread", .{});
            return error.OpenFailed;
        },
    };
}

fn outOfMemory(stream: *Stream) OpenError {
    stream.failure.set(.out_of_memory, "Not enough memory for the queue of the stream", .{});
    return error.OpenFailed;
}

/// A rate that was not asked for can be too low.
fn checkTones(stream: *Stream) OpenError!void {
    const highest_hz = switch (stream.options.source) {
        .tone => stream.options.tone_frequency_hz,
        .mix => stream.source.mix.highestTone(),
        .queue, .render, .mapped, .clip, .silence => return,
    };
    const rate = stream.granted.rate;
    if (highest_hz <= @as(f64, @floatFromInt(rate)) / 2) return;
    stream.failure.set(
        .unsupported_rate,
        "{d} frames per second, which the device grants, are too few for a tone of {d} Hz",
        .{ rate, highest_hz },
    );
    return error.OpenFailed;
}

fn openPcm(stream: *Stream) OpenError!void {
    if (stream.card != null) return virtual_card.openPcm(stream);
    const result = stream.asound.snd_pcm_open(
        &stream.pcm,
        stream.device,
        stream.options.direction,
        alsa.open_nonblock,
    );
    if (result >= 0) return;
    stream.pcm = null;
    stream.failure.setCall(stream.asound, "snd_pcm_open", result, failure.codeOfOpen(result));
    holders.explain(&stream.failure, stream.device, stream.options.direction);
    return error.OpenFailed;
}

fn makeSource(stream: *Stream) memory.Error!void {
    const options = &stream.options;
    const granted = &stream.granted;
    stream.frame_bytes = granted.channels * sample.bytesOf(granted.format);
    stream.level = .constant(options.gain);
    switch (options.source) {
        .queue => {
            const frames = options.queue_frames orelse defaultQueueFrames(granted);
            // Made before the assignment, which would set the union's tag even if this failed.
            const queue: Queue = try .create(frames, stream.frame_bytes);
            stream.source = .{ .queue = queue };
            setThreshold(stream);
        },
        .render, .mapped => {
            const source = try zero_copy.makeSource(stream);
            stream.source = source;
            setThreshold(stream);
        },
        .tone => stream.source = .{
            .tone = .init(options.tone_frequency_hz, options.tone_amplitude, granted.rate),
        },
        // Made by the call that opened the stream, while JavaScript's memory was there.
        .clip => assert(stream.source == .clip),
        .silence => {},
        .mix => try stream.source.mix.prepare(
            granted.rate,
            defaultQueueFrames(granted),
            &stream.draining,
        ),
    }
    stream.armed = !stream.source.isFed() and options.start_threshold_frames != .never;
    if (granted.access == .write) {
        const scratch = try memory.map(@as(usize, granted.buffer_frames) * stream.frame_bytes);
        stream.scratch = scratch;
    }
}

fn defaultQueueFrames(granted: *const negotiate.Granted) u32 {
    return @max(granted.buffer_frames, granted.rate * default_queue_ms / 1000);
}

fn setThreshold(stream: *Stream) void {
    const capacity_frames = stream.source.capacity();
    stream.start_threshold_frames = switch (stream.options.start_threshold_frames) {
        .buffer => @min(stream.granted.buffer_frames, capacity_frames),
        .frames => |wanted| @min(@max(wanted, 1), capacity_frames),
        .never => stream_module.nobody,
    };
}

/// Makes the pages of the ring present before the write thread writes to them. Nothing is
/// committed: the pointer stays where it is. A PCM that gives no ring now tells why when it plays.
fn touchRing(stream: *Stream) void {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    const granted = &stream.granted;
    var areas: [*]const alsa.ChannelArea = undefined;
    var offset: alsa.UFrames = 0;
    var frames: alsa.UFrames = granted.buffer_frames;
    // libasound counts what mmap_begin may grant from the last look at the pointer.
    if (asound.snd_pcm_avail_update(pcm) < 0) return;
    if (asound.snd_pcm_mmap_begin(pcm, &areas, &offset, &frames) < 0) return;
    stream.areas = areas;
    Block.ofAreas(areas, granted.channels, granted.format, offset, @intCast(frames)).silence();
}

fn joinGroup(stream: *Stream, driver: *const Driver) groups.Error!void {
    const wanted = &stream.options.realtime;
    if (stream.simulation()) |simulation| {
        stream.scheduling.realtime = .simulated;
        return simulation.join(stream);
    }
    const served = stream.isServed();
    const period_ns = stream.periodNs();
    const asked: Stream.Scheduling = switch (wanted.priority) {
        .off => .{ .realtime = .off },
        .fixed => |priority| .{ .realtime = .granted, .priority = priority },
        .auto => if (served)
            .{ .realtime = .foreign }
        else
            .{ .realtime = .granted, .priority = realtime.priorityOf(period_ns, wanted.range) },
    };
    const key: groups.Key = .{
        .period_ns = period_ns,
        .trust = if (served) .foreign else .own,
        .priority = asked.priority,
        .cpus = wanted.cpus,
    };
    const scheduled = try groups.join(stream, key, stream.asound, driver);
    const denied = asked.realtime == .granted and !scheduled.promoted;
    stream.scheduling = if (denied) .{ .realtime = .denied } else asked;
    stream.scheduling.pinned = scheduled.pinned;
}

/// settle, recover, wake: the stream comes back to its group.
pub fn mend(stream: *Stream) void {
    noise.capture(stream.asound);
    stream.job_result = switch (stream.job) {
        .settle => settle(stream),
        .recover => recover(stream),
        .wake => resumePcm(stream),
        .open, .close => unreachable,
    };
    stream.post(Request.returned);
}

fn settle(stream: *Stream) Stream.JobResult {
    const dropped = resultOf(stream, "snd_pcm_drop", stream.asound.snd_pcm_drop(stream.pcm.?));
    return if (dropped == .done) prepare(stream) else dropped;
}

fn recover(stream: *Stream) Stream.JobResult {
    // Stops one that still runs; one that has stopped may well refuse.
    _ = stream.asound.snd_pcm_drop(stream.pcm.?);
    return prepare(stream);
}

fn prepare(stream: *Stream) Stream.JobResult {
    return resultOf(stream, "snd_pcm_prepare", stream.asound.snd_pcm_prepare(stream.pcm.?));
}

/// A device that is gone does not come back; anything else may work later.
fn resultOf(stream: *Stream, name: []const u8, result: c_int) Stream.JobResult {
    if (result >= 0) return .done;
    stream.failure.setCall(stream.asound, name, result, .device_lost);
    return switch (@as(linux.E, @enumFromInt(-result))) {
        .NODEV, .NXIO, .NOENT => .failed,
        else => .again,
    };
}

/// A device that cannot resume is prepared; one that says it resumed and did not, too.
fn resumePcm(stream: *Stream) Stream.JobResult {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    const result = asound.snd_pcm_resume(pcm);
    if (result == 0 and asound.snd_pcm_state(pcm) != .suspended) return .done;
    if (result == -@as(c_int, @intFromEnum(linux.E.AGAIN))) {
        return resultOf(stream, "snd_pcm_resume", result);
    }
    return prepare(stream);
}

/// Frees everything but the handle, and says so. The caller has pinned the stream, or is the thread
/// that would release it.
pub fn close(stream: *Stream) void {
    releaseNative(stream);
    var events = @intFromEnum(abi.Event.closed);
    if (stream.abandoned.load(.acquire)) events |= @intFromEnum(abi.Event.failed);
    stream.counters.state = .closed;
    stream.published.write(&stream.counters);
    stream.lifecycle.store(.closed, .release);
    // Nobody takes it over any more: who was about to give it away is told.
    if (stream.realm == null) stream.realm = stream.owner.load(.acquire);
    stream.notify(events);
}

fn releaseNative(stream: *Stream) void {
    if (stream.simulation()) |simulation| simulation.leave(stream) else groups.leave(stream);
    zero_copy.blank(stream);
    if (stream.pcm) |pcm| {
        stream.pcm = null;
        if (stream.isServed()) {
            served_close.close(stream.asound, pcm, &pcm_count);
        } else {
            // The PCM is gone whatever it answers.
            _ = stream.asound.snd_pcm_close(pcm);
            _ = pcm_count.fetchSub(1, .monotonic);
        }
    }
    if (stream.status) |status| stream.asound.snd_pcm_status_free(status);
    stream.status = null;
    stream.dma_latency.close();
    virtual_card.detach(stream);
    stream.source.destroy();
    stream.source = .silence;
    if (stream.scratch) |scratch| memory.unmap(scratch);
    stream.scratch = null;
}
