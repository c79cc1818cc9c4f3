//! A virtual sound card: playback PCMs with a true ring buffer, made in-process with libasound's
//! ioplug SDK, on the real-time clock or on one that a program moves. A substream is one opened PCM
//! and what was played on it; it outlives the PCM.
//!
//!     const card = try Card.create(.{ .clock = .simulated }, .memory);
//!     const opened = try card.openPcm(asound, "virtual", alsa.open_nonblock, null);
//!     ... libasound calls on opened.pcm, card.setNow(ns) in between ...
//!     _ = asound.snd_pcm_close(opened.pcm);
//!     _ = card.flush();
//!     const bytes = try card.played(opened.substream, 0, out);
//!     card.destroy();

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const abi = @import("../abi.zig");
const alsa = @import("../alsa/libasound.zig");
const clock = @import("../clock.zig");
const options_module = @import("options.zig");
const resume_answer = @import("resume_answer.zig");
const sync = @import("../sync.zig");
const tap = @import("tap.zig");
const threads = @import("../threads.zig");
const CardFaults = @import("faults.zig").CardFaults;
const Fault = @import("faults.zig").Fault;
const Substream = @import("substream.zig").Substream;
const TapThread = @import("tap_thread.zig").TapThread;

const allocator = std.heap.c_allocator;

pub const Card = struct {
    pub const Options = options_module.Options;

    /// Where the card records what it plays. A WAV path belongs to substream 0; substream n's file
    /// has `.n` before the extension.
    pub const Tap = union(abi.Tap) { none, memory, wav: []const u8 };

    pub const CreateError = Options.Error || std.mem.Allocator.Error || threads.Error;
    pub const OpenError = std.mem.Allocator.Error || error{
        /// All substreams are open.
        DeviceBusy,
        /// libasound does not speak ioplug's protocol 1.0.2.
        LibraryTooOld,
        /// An armed fault refuses it.
        AccessDenied,
    };
    pub const PlayedError = error{ UnknownSubstream, NoMemoryTap };

    pub const Opened = struct {
        pcm: *alsa.Pcm,
        substream: *Substream,
        number: u32,
        /// The library to call the PCM by: with it `snd_pcm_resume` returns what the card answers.
        asound: *const alsa.Libasound,
    };

    /// Constant, with all defaults filled in.
    options: Options,
    tap_target: Tap,
    tap_thread: TapThread = .{},
    /// The simulated clock.
    simulated_ns: std.atomic.Value(u64) = .init(0),
    faults: CardFaults = .{},
    /// One open at a time. Taken before `mutex`, and not by a close.
    opening: sync.Mutex = .{},
    /// Guards the fields below; never taken by a callback that may run on a realtime thread.
    mutex: sync.Mutex = .{},
    substreams: std.ArrayList(*Substream) = .empty,
    open_count: u32 = 0,
    /// The close of its PCM is the end of the card.
    ends_with_pcm: bool = false,

    /// The path is copied. A tap on the real-time clock has a thread that flushes it; on the
    /// simulated clock whoever moves it calls `flush` at least every two seconds of card time.
    pub fn create(options: Options, target: Tap) CreateError!*Card {
        const card = try allocator.create(Card);
        errdefer allocator.destroy(card);
        try card.init(options, target);
        return card;
    }

    /// The same where the caller has the memory; ends with `deinit`.
    pub fn init(card: *Card, options: Options, target: Tap) CreateError!void {
        card.* = .{ .options = try options.resolve(), .tap_target = target };
        if (target == .wav) card.tap_target.wav = try allocator.dupe(u8, target.wav);
        errdefer if (target == .wav) allocator.free(card.tap_target.wav);
        if (card.options.clock == .realtime and target != .none) try card.tap_thread.start(card);
    }

    /// Only after every PCM of the card was closed.
    pub fn destroy(card: *Card) void {
        card.deinit();
        allocator.destroy(card);
    }

    pub fn deinit(card: *Card) void {
        assert(card.openCount() == 0);
        card.tap_thread.end();
        for (card.substreams.items) |substream| {
            substream.deinit();
            allocator.destroy(substream);
        }
        card.substreams.deinit(allocator);
        if (card.tap_target == .wav) allocator.free(card.tap_target.wav);
        card.* = undefined;
    }

    /// The card's time, on which its PCMs play: CLOCK_MONOTONIC or the simulated clock.
    pub fn now(card: *const Card) u64 {
        return switch (card.options.clock) {
            .realtime => clock.monotonicNs(),
            .simulated => card.simulated_ns.load(.acquire),
        };
    }

    /// Moves the simulated clock; it never goes back.
    pub fn setNow(card: *Card, now_ns: u64) void {
        assert(card.options.clock == .simulated);
        assert(now_ns >= card.simulated_ns.load(.monotonic));
        card.simulated_ns.store(now_ns, .release);
    }

    /// A PCM like one from `snd_pcm_open`, closed with `snd_pcm_close`. Substreams are numbered in
    /// the order of their opening. `mode` is libasound's; on the simulated clock only non-blocking
    /// PCMs make sense, since waiting on one fails with EIO. `expected` makes limits in frames
    /// exact.
    pub fn openPcm(
        card: *Card,
        asound: *const alsa.Libasound,
        name: [*:0]const u8,
        mode: c_int,
        expected: ?Options.Expected,
    ) OpenError!Opened {
        card.opening.lock();
        defer card.opening.unlock();
        if (card.faults.takeRefusedOpen()) return error.AccessDenied;
        const number = try card.reserve();
        errdefer card.release();
        const substream = try allocator.create(Substream);
        errdefer allocator.destroy(substream);
        substream.init(card, asound, try card.targetOf(number));
        errdefer substream.deinit();
        const result = substream.open(name, mode, expected);
        if (result < 0) return switch (@as(linux.E, @enumFromInt(-result))) {
            .NOMEM => error.OutOfMemory,
            else => error.LibraryTooOld,
        };

        card.mutex.lock();
        defer card.mutex.unlock();
        card.substreams.appendAssumeCapacity(substream);
        substream.is_registered = true;
        return .{
            .pcm = substream.handle.pcm.?,
            .substream = substream,
            .number = number,
            .asound = resume_answer.tableOf(asound),
        };
    }

    /// PCMs that are open now.
    pub fn openCount(card: *Card) u32 {
        card.mutex.lock();
        defer card.mutex.unlock();
        return card.open_count;
    }

    /// From any thread. Only `substreams` and `time_ms` are set if the substream does not exist;
    /// format, channels and rate are 0 before its hardware parameters are set.
    pub fn status(card: *Card, number: u32) abi.CardStatus {
        var record = std.mem.zeroes(abi.CardStatus);
        record.time_ms = @as(f64, @floatFromInt(card.now())) / std.time.ns_per_ms;
        card.mutex.lock();
        defer card.mutex.unlock();
        record.substreams = @floatFromInt(card.substreams.items.len);
        if (number >= card.substreams.items.len) return record;
        const substream = card.substreams.items[number];
        record.format = @floatFromInt(substream.status.format.load(.monotonic));
        record.channels = @floatFromInt(substream.status.channels.load(.monotonic));
        record.rate = @floatFromInt(substream.status.rate.load(.monotonic));
        record.frames_played = @floatFromInt(substream.status.frames_played.load(.monotonic));
        record.tap_lost_frames = @floatFromInt(substream.tap.lost_frames.load(.monotonic));
        return record;
    }

    /// Whole interleaved frames in the substream's format, from the memory tap as of the last
    /// flush. Returns how many bytes were copied, 0 at the end. From any thread.
    pub fn played(card: *Card, number: u32, offset_frames: u64, out: []u8) PlayedError!usize {
        if (card.tap_target != .memory) return error.NoMemoryTap;
        const substream = card.substreamAt(number) orelse return error.UnknownSubstream;
        return substream.tap.read(offset_frames, out);
    }

    /// On return all that the PCMs' pointers have passed is in memory or in a correct WAV file.
    /// SUCCESS, or the errno of the first failure to record since the card was made. Blocks on the
    /// disk; from any thread that may.
    pub fn flush(card: *Card) linux.E {
        var first: linux.E = .SUCCESS;
        var number: u32 = 0;
        while (card.substreamAt(number)) |substream| : (number += 1) {
            const errno = substream.tap.flush();
            if (first == .SUCCESS) first = errno;
        }
        return first;
    }

    /// Arms a fault, from any thread; for one of the card itself the number is 0.
    pub fn inject(card: *Card, number: u32, fault: Fault) error{UnknownSubstream}!void {
        if (fault.isOfCard()) {
            if (number != 0) return error.UnknownSubstream;
            return card.faults.arm(fault);
        }
        const substream = card.substreamAt(number) orelse return error.UnknownSubstream;
        substream.faults.arm(fault);
    }

    /// The last thing that a PCM's close does. The card may be gone on return.
    pub fn substreamClosed(card: *Card) void {
        card.release();
        if (card.ends_with_pcm) card.destroy();
    }

    fn substreamAt(card: *Card, number: u32) ?*Substream {
        card.mutex.lock();
        defer card.mutex.unlock();
        return if (number < card.substreams.items.len) card.substreams.items[number] else null;
    }

    /// Room for one more substream, and its number.
    fn reserve(card: *Card) OpenError!u32 {
        card.mutex.lock();
        defer card.mutex.unlock();
        if (card.open_count >= card.options.substreams) return error.DeviceBusy;
        try card.substreams.ensureUnusedCapacity(allocator, 1);
        card.open_count += 1;
        return @intCast(card.substreams.items.len);
    }

    fn release(card: *Card) void {
        card.mutex.lock();
        defer card.mutex.unlock();
        assert(card.open_count > 0);
        card.open_count -= 1;
    }

    fn targetOf(card: *const Card, number: u32) std.mem.Allocator.Error!tap.Target {
        return switch (card.tap_target) {
            .none => .none,
            .memory => .memory,
            .wav => |path| .{ .wav = try tap.numberedPath(allocator, path, number) },
        };
    }
};
