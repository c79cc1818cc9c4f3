//! One input of a mix: a queue, a clip or a tone, its gain, and what JavaScript asks of it. Asking
//! is last-value-wins: each request is one atomic word, which the realtime thread looks at before a
//! fill.

const std = @import("std");
const assert = std.debug.assert;
const gain = @import("gain.zig");
const Block = @import("block.zig").Block;
const Clip = @import("clip.zig").Clip;
const Queue = @import("queue.zig").Queue;
const Tone = @import("tone.zig").Tone;

/// `wanted_room` when nobody waits.
pub const nobody = std.math.maxInt(u32);

pub const Feed = union(enum) { queue: Queue, clip: Clip, tone: Tone };

pub const GainRequest = packed struct(u64) {
    ramp_frames: u32,
    target: f32,
};

/// To play a clip from its beginning, or to stop it.
pub const PlayRequest = packed struct(u64) {
    fade_frames: u32,
    play: bool,
    /// Among the play requests of the mix; 0: none yet.
    ordinal: u31,
};

/// Written by the realtime thread, read by any.
pub const Counters = struct {
    frames_mixed: std.atomic.Value(u64) = .init(0),
    frames_dropped: std.atomic.Value(u64) = .init(0),
    /// Of silence, in which the queue was dry, and how often it ran dry.
    frames_starved: std.atomic.Value(u64) = .init(0),
    starvations: std.atomic.Value(u64) = .init(0),
    gain: std.atomic.Value(f32) = .init(1),
    is_playing: std.atomic.Value(bool) = .init(false),
    /// Ordinal of the last play request that was obeyed.
    obeyed_play: std.atomic.Value(u32) = .init(0),
    /// Ordinal of the last drain request that was fulfilled.
    drained: std.atomic.Value(u32) = .init(0),
};

pub const Input = struct {
    feed: Feed,
    /// Whether a clip plays when the stream starts.
    autoplay: bool = false,

    // Requests.
    gain_request: std.atomic.Value(u64),
    play_request: std.atomic.Value(u64) = .init(0),
    /// Position in the queue up to which it is to be thrown away.
    drop_to: std.atomic.Value(u64) = .init(0),
    /// Position in the queue that the drain request with this ordinal waits for.
    drain_to: std.atomic.Value(u64) = .init(0),
    drain_request: std.atomic.Value(u32) = .init(0),
    /// Free frames at which JavaScript wants the `room` event.
    wanted_room: std.atomic.Value(u32) = .init(nobody),

    /// Control side: the gain as JavaScript set it.
    wanted_gain: f64,
    /// Bits of `abi.MixEvent` that JavaScript has not seen.
    events: std.atomic.Value(u32) = .init(0),
    counters: Counters = .{},

    // The realtime thread's.
    level: gain.Ramp,
    fade: gain.Ramp = .constant(1),
    seen_gain: u64,
    /// A clip that was stopped plays on until its fade ends.
    stopping: bool = false,
    /// A queue that has played since it was drained, and one that has run dry since.
    fed: bool = false,
    dry: bool = false,
    /// Frames in the block that was rendered last.
    rendered: u32 = 0,
    /// Position in the mix behind its last frame.
    end_position: u64 = 0,

    pub fn init(feed: Feed, wanted_gain: f64, autoplay: bool) Input {
        const level: f32 = @floatCast(wanted_gain);
        const request: GainRequest = .{ .ramp_frames = 0, .target = level };
        return .{
            .feed = feed,
            .autoplay = autoplay,
            .gain_request = .init(@bitCast(request)),
            .wanted_gain = wanted_gain,
            .seen_gain = @bitCast(request),
            .level = .constant(level),
            .counters = .{ .gain = .init(level), .is_playing = .init(autoplay) },
        };
    }

    /// Does what was asked for since the last time.
    pub fn obey(self: *Input) void {
        const wanted_gain = self.gain_request.load(.acquire);
        if (wanted_gain != self.seen_gain) {
            const request: GainRequest = @bitCast(wanted_gain);
            self.seen_gain = wanted_gain;
            self.level.moveTo(request.target, request.ramp_frames);
            self.counters.gain.store(self.level.value, .monotonic);
        }
        switch (self.feed) {
            .queue => |*queue| {
                const frames = self.drop_to.load(.acquire) -| queue.read.load(.monotonic);
                if (frames > 0) self.discard(queue, frames);
            },
            .clip => |*clip| {
                const request = self.openPlayRequest() orelse return;
                if (request.play) self.play(clip, request.fade_frames) else {
                    self.stop(request.fade_frames);
                }
                self.counters.obeyed_play.store(request.ordinal, .release);
            },
            .tone => {},
        }
    }

    /// The play request that has not been obeyed.
    fn openPlayRequest(self: *const Input) ?PlayRequest {
        const obeyed = self.counters.obeyed_play.load(.acquire);
        const request: PlayRequest = @bitCast(self.play_request.load(.acquire));
        return if (request.ordinal == obeyed) null else request;
    }

    /// Whether a clip plays, or is about to. Any thread.
    pub fn willPlay(self: *const Input) bool {
        const request = self.openPlayRequest() orelse return self.isPlaying();
        return request.play or request.fade_frames > 0 and self.isPlaying();
    }

    fn play(self: *Input, clip: *Clip, fade_frames: u32) void {
        clip.position = 0;
        self.stopping = false;
        self.fade = .constant(if (fade_frames > 0) 0 else 1);
        self.fade.moveTo(1, fade_frames);
        self.counters.is_playing.store(true, .monotonic);
    }

    fn stop(self: *Input, fade_frames: u32) void {
        if (!self.isPlaying()) return;
        if (fade_frames == 0) return self.counters.is_playing.store(false, .monotonic);
        self.stopping = true;
        self.fade.moveTo(0, fade_frames);
    }

    fn discard(self: *Input, queue: *Queue, frames: u64) void {
        queue.consume(frames);
        self.fed = false;
        self.dry = false;
        add(&self.counters.frames_dropped, frames);
    }

    fn isPlaying(self: *const Input) bool {
        return self.counters.is_playing.load(.monotonic);
    }

    /// Decides how many of the next frames it has a part in.
    pub fn offer(self: *Input, frames: u32) void {
        self.rendered = switch (self.feed) {
            .queue => |*queue| @min(frames, queue.level()),
            .clip => |*clip| @intCast(@min(frames, self.clipFrames(clip))),
            .tone => frames,
        };
    }

    fn clipFrames(self: *const Input, clip: *const Clip) u64 {
        if (!self.isPlaying()) return 0;
        const frames = clip.available();
        return if (self.stopping) @min(frames, self.fade.frames_left) else frames;
    }

    /// Whether it can be heard in the block that is rendered.
    pub fn sounds(self: *const Input) bool {
        return self.rendered > 0 and (self.constantGain() orelse 1) != 0;
    }

    /// The gain of the whole block, where that is one number.
    pub fn constantGain(self: *const Input) ?f32 {
        if (self.level.frames_left > 0 or self.fade.frames_left > 0) return null;
        return self.level.target * self.fade.target;
    }

    /// The gains of the frames from `offset` on.
    pub fn gains(self: *const Input, offset: u32, to: []f32) void {
        for (to, offset..) |*factor, frame| {
            factor.* = self.level.at(@intCast(frame)) * self.fade.at(@intCast(frame));
        }
    }

    /// The next samples from `offset` on, as far as they lie in one piece.
    pub fn samples(self: *const Input, offset: u32, frames: u32) []const u8 {
        return switch (self.feed) {
            .queue => |*queue| queue.ahead(offset, frames),
            .clip => |*clip| clip.ahead(offset, frames),
            .tone => unreachable,
        };
    }

    /// Renders its frames as they are.
    pub fn render(self: *const Input, block: *const Block) void {
        switch (self.feed) {
            .queue => |*queue| queue.render(block),
            .clip => |*clip| clip.render(block),
            .tone => |*tone| tone.render(block),
        }
    }

    /// The device took so many frames of the block, whose first is at `position` of the mix.
    pub fn advance(self: *Input, frames: u32, position: u64, draining: bool) void {
        const part = @min(self.rendered, frames);
        if (part > 0) {
            self.end_position = position + part;
            add(&self.counters.frames_mixed, part);
        }
        switch (self.feed) {
            .queue => |*queue| {
                queue.consume(part);
                self.starve(part, frames, draining);
            },
            .clip => |*clip| self.advanceClip(clip, part),
            .tone => |*tone| tone.advance(frames),
        }
        if (self.level.frames_left == 0) return;
        self.level.advance(frames);
        self.counters.gain.store(self.level.value, .monotonic);
    }

    fn advanceClip(self: *Input, clip: *Clip, frames: u32) void {
        if (!self.isPlaying()) return;
        clip.advance(frames);
        self.fade.advance(frames);
        const faded = self.stopping and self.fade.frames_left == 0;
        if (faded or clip.available() == 0) self.counters.is_playing.store(false, .monotonic);
    }

    fn starve(self: *Input, part: u32, frames: u32, draining: bool) void {
        if (part > 0) {
            self.fed = true;
            self.dry = false;
        }
        if (part == frames or !self.fed) return;
        if (draining or self.isPlayedOut()) {
            self.fed = false;
            return;
        }
        if (!self.dry) add(&self.counters.starvations, 1);
        self.dry = true;
        add(&self.counters.frames_starved, frames - part);
    }

    /// A drain waits for the last frame that was consumed.
    fn isPlayedOut(self: *const Input) bool {
        const wanted = self.drain_request.load(.acquire);
        if (wanted == self.counters.drained.load(.monotonic)) return false;
        return self.feed.queue.read.load(.monotonic) >= self.drain_to.load(.monotonic);
    }

    /// Frames until it ends by itself; none for what never does.
    pub fn remaining(self: *const Input) u64 {
        return switch (self.feed) {
            .queue => |*queue| queue.level(),
            .clip => |*clip| if (clip.loop and !self.stopping) 0 else self.clipFrames(clip),
            .tone => 0,
        };
    }

    /// Whether all that the drain request waits for has been mixed. What never ends by itself is
    /// stopped for it.
    pub fn isDrained(self: *Input) bool {
        switch (self.feed) {
            .queue => |*queue| return queue.read.load(.monotonic) >=
                self.drain_to.load(.monotonic),
            .clip => |*clip| {
                // It may have come together with the drain, behind the last look at requests.
                if (self.openPlayRequest() != null) return false;
                if (clip.loop) self.stop(0);
                return !self.isPlaying();
            },
            .tone => unreachable,
        }
    }

    /// As it was when the stream was opened; only what was asked after `play_ordinal` holds.
    pub fn reset(self: *Input, play_ordinal: u64) void {
        switch (self.feed) {
            .queue => |*queue| self.discard(queue, queue.level()),
            .clip => |*clip| {
                clip.position = 0;
                self.stopping = false;
                self.fade = .constant(1);
                if (self.counters.obeyed_play.load(.monotonic) > play_ordinal) return;
                self.counters.is_playing.store(self.autoplay, .monotonic);
            },
            .tone => {},
        }
    }
};

/// There is one writer.
fn add(counter: *std.atomic.Value(u64), count: u64) void {
    counter.store(counter.load(.monotonic) + count, .monotonic);
}
