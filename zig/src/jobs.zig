//! What the janitor does with a stream: the calls of libasound that can block. On the simulated
//! clock the same functions run inline, and nothing blocks.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const failure = @import("failure.zig");
const groups = @import("groups.zig");
const memory = @import("memory.zig");
const negotiate = @import("alsa/negotiate.zig");
const noise = @import("alsa/noise.zig");
const realtime = @import("realtime.zig");
const sample = @import("sample.zig");
const stream_module = @import("stream.zig");
const virtual_card = @import("virtual_card.zig");
const Pacer = @import("pacing.zig").Pacer;
const Queue = @import("queue.zig").Queue;
const RateGroup = @import("rate_group.zig").RateGroup;
const Request = stream_module.Request;
const Stream = stream_module.Stream;

/// The queue bridges an ordinary garbage collection.
const default_queue_ms = 100;

/// How long a device may take to come back from a suspend.
const resume_tries = 50;
const resume_pause_ns = 100 * std.time.ns_per_ms;

/// PCMs that are open, for leak checks.
pub var pcm_count: std.atomic.Value(u32) = .init(0);

/// Where a group hands a stream over; the janitor's queue, or inline.
pub const HandOver = *const fn (*RateGroup, *Stream) void;

/// Opens the PCM and joins the group that hands over by `handOver`.
pub fn open(stream: *Stream, handOver: HandOver) void {
    const opened = if (tryOpen(stream, handOver)) |_| true else |_| false;
    if (!opened) releaseNative(stream);

    stream.control.lock();
    stream.lifecycle.store(if (opened) .open else .open_failed, .release);
    const closing = stream.closing;
    stream.control.unlock();

    if (opened) return stream.post(Request.returned);
    if (closing) return close(stream);
    stream.counters.state = .disconnected;
    stream.published.write(&stream.counters);
    stream.notify(.failed);
}

const OpenError = error{OpenFailed};

fn tryOpen(stream: *Stream, handOver: HandOver) OpenError!void {
    const asound = alsa.load() catch |err| {
        const code: abi.ErrorCode = switch (err) {
            error.LibraryMissing => .library_missing,
            error.LibraryTooOld => .library_too_old,
        };
        stream.failure.set(code, "{s}", .{alsa.failureText()});
        return error.OpenFailed;
    };
    stream.asound = asound;
    noise.capture(asound);
    try openPcm(stream);
    _ = pcm_count.fetchAdd(1, .monotonic);
    stream.pcm_type = asound.snd_pcm_type(stream.pcm.?);
    const wanted = stream.options.wanted;
    stream.granted = negotiate.negotiate(asound, stream.pcm.?, wanted, &stream.failure) catch
        return error.OpenFailed;
    stream.pacer = switch (Pacer.kindOf(stream.pcm_type)) {
        .device => .device,
        .self => .{ .self = .{} },
    };
    makeSource(stream) catch return outOfMemory(stream);
    joinGroup(stream, handOver) catch |err| switch (err) {
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

fn openPcm(stream: *Stream) OpenError!void {
    if (stream.card != null) return virtual_card.openPcm(stream);
    const result = stream.asound.snd_pcm_open(
        &stream.pcm,
        stream.options.device(),
        stream.options.direction,
        alsa.open_nonblock,
    );
    if (result >= 0) return;
    stream.pcm = null;
    stream.failure.setCall(stream.asound, "snd_pcm_open", result, failure.codeOfOpen(result));
    return error.OpenFailed;
}

fn makeSource(stream: *Stream) memory.Error!void {
    const options = &stream.options;
    const granted = &stream.granted;
    stream.frame_bytes = granted.channels * sample.bytesOf(granted.format);
    stream.level = .constant(options.gain);
    switch (options.source) {
        .queue => {
            const frames = options.queue_frames orelse
                @max(granted.buffer_frames, granted.rate * default_queue_ms / 1000);
            // Made before the assignment, which would set the union's tag even if this failed.
            const queue: Queue = try .create(frames, stream.frame_bytes);
            stream.source = .{ .queue = queue };
            stream.start_threshold_frames = switch (options.start_threshold_frames) {
                .buffer => @min(granted.buffer_frames, frames),
                .frames => |wanted| @min(@max(wanted, 1), frames),
                .never => stream_module.nobody,
            };
        },
        .tone => stream.source = .{
            .tone = .init(options.tone_frequency_hz, options.tone_amplitude, granted.rate),
        },
        // Made by the call that opened the stream, while JavaScript's memory was there.
        .clip => assert(stream.source == .clip),
        .silence => {},
    }
    stream.armed = options.source != .queue and options.start_threshold_frames != .never;
    if (granted.access == .write) {
        const scratch = try memory.map(@as(usize, granted.buffer_frames) * stream.frame_bytes);
        stream.scratch = scratch;
    }
}

fn joinGroup(stream: *Stream, handOver: HandOver) groups.Error!void {
    if (stream.simulation()) |simulation| {
        stream.scheduling.realtime = .simulated;
        return simulation.join(stream);
    }
    const own = stream.card != null or stream.pcm_type == .hw or stream.pcm_type == .null;
    const period_ns = stream.nsOfFrames(stream.granted.period_frames);
    const asked: Stream.Scheduling = switch (stream.options.realtime) {
        .off => .{ .realtime = .off },
        .priority => |priority| .{ .realtime = .granted, .priority = priority },
        .auto => if (own)
            .{ .realtime = .granted, .priority = realtime.priorityOf(period_ns) }
        else
            .{ .realtime = .foreign },
    };
    const key: groups.Key = .{
        .period_ns = period_ns,
        .trust = if (own) .own else .foreign,
        .priority = asked.priority,
    };
    const promoted = try groups.join(stream, key, stream.asound, handOver);
    const denied = asked.realtime == .granted and !promoted;
    stream.scheduling = if (denied) .{ .realtime = .denied } else asked;
}

/// settle, recover, wake: the stream comes back to its group.
pub fn mend(stream: *Stream) void {
    noise.capture(stream.asound);
    stream.job_succeeded = switch (stream.job) {
        .settle => call(stream, "snd_pcm_drop", stream.asound.snd_pcm_drop(stream.pcm.?)) and
            prepare(stream),
        .recover => prepare(stream),
        .wake => resumePcm(stream),
        .open, .close => unreachable,
    };
    stream.post(Request.returned);
}

fn prepare(stream: *Stream) bool {
    return call(stream, "snd_pcm_prepare", stream.asound.snd_pcm_prepare(stream.pcm.?));
}

fn call(stream: *Stream, name: []const u8, result: c_int) bool {
    if (result >= 0) return true;
    stream.failure.setCall(stream.asound, name, result, .device_lost);
    return false;
}

/// A device that cannot resume is prepared; one that says it resumed and did not, too.
fn resumePcm(stream: *Stream) bool {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    const again = -@as(c_int, @intFromEnum(linux.E.AGAIN));
    for (0..resume_tries) |_| {
        const result = asound.snd_pcm_resume(pcm);
        if (result == 0 and asound.snd_pcm_state(pcm) != .suspended) return true;
        if (result != again) break;
        const pause: linux.timespec = .{ .sec = 0, .nsec = resume_pause_ns };
        _ = linux.nanosleep(&pause, null);
    }
    return prepare(stream);
}

/// Frees everything but the handle, and says so. The caller has pinned the stream, or is the thread
/// that would release it.
pub fn close(stream: *Stream) void {
    releaseNative(stream);
    stream.counters.state = .closed;
    stream.published.write(&stream.counters);
    stream.lifecycle.store(.closed, .release);
    stream.notify(.closed);
}

fn releaseNative(stream: *Stream) void {
    if (stream.simulation()) |simulation| simulation.leave(stream) else groups.leave(stream);
    if (stream.pcm) |pcm| {
        // The PCM is gone whatever it answers.
        _ = stream.asound.snd_pcm_close(pcm);
        stream.pcm = null;
        _ = pcm_count.fetchSub(1, .monotonic);
    }
    virtual_card.detach(stream);
    stream.source.destroy();
    stream.source = .silence;
    if (stream.scratch) |scratch| memory.unmap(scratch);
    stream.scratch = null;
}
