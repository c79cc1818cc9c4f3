//! A source that is the sum of many: queues, clips and tones. Silence where nothing sounds; a queue
//! that runs dry is silent, while the others go on. As the other sources, it renders without moving
//! on, and remembers what each input had a part in: a queue can be written between the two.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const memory = @import("memory.zig");
const sample = @import("sample.zig");
const Block = @import("block.zig").Block;
const Clip = @import("clip.zig").Clip;
const Input = @import("mix_input.zig").Input;
const InputSet = @import("input_set.zig").InputSet;
const Queue = @import("queue.zig").Queue;
const Sum = @import("sum.zig").Sum;
const Tone = @import("tone.zig").Tone;
const nobody = @import("mix_input.zig").nobody;

pub const inputs_max = @import("input_set.zig").capacity;

/// An input as JavaScript describes it, checked.
pub const InputOptions = struct {
    gain: f64,
    feed: union(enum) {
        /// Capacity in frames, or the default.
        queue: ?u32,
        tone: struct { frequency_hz: f64, amplitude: f32 },
        /// Where in the memory of all clips.
        clip: struct { from: usize, to: usize, loop: bool, autoplay: bool },
    },
};

pub const Mix = struct {
    options: []InputOptions,
    /// The samples of all clips, and the rings of all queues.
    clips: memory.Bytes,
    queues: memory.Bytes = &.{},
    inputs: []Input = &.{},
    frame_bytes: u32,
    /// A drain of the stream: what ends now has not run dry.
    draining: *const std.atomic.Value(bool) = undefined,
    /// Play requests so far.
    play_requests: u31 = 0,

    /// Inputs with requests, with something to wait for, and with events for JavaScript.
    requested: InputSet = .{},
    waiting: InputSet = .{},
    eventful: InputSet = .{},

    // The realtime thread's.
    /// Frames that the device took.
    position: u64 = 0,
    sounding: [inputs_max]u32 = undefined,
    sum: Sum = undefined,
    stored: [Sum.capacity * sample.max_sample_bytes]u8 = undefined,
    factors: [Sum.capacity]f32 = undefined,
    tones: [Sum.capacity]f32 = undefined,

    /// Copies options and samples; `prepare` makes the rest when the device is known.
    pub fn create(
        options: []const InputOptions,
        clips: []const u8,
        frame_bytes: u32,
    ) memory.Error!*Mix {
        const mix = try memory.create(Mix);
        errdefer memory.destroy(Mix, mix);
        const copied = try memory.map(options.len * @sizeOf(InputOptions));
        errdefer memory.unmap(copied);
        const samples: memory.Bytes = if (clips.len > 0) try memory.map(clips.len) else &.{};
        @memcpy(samples[0..clips.len], clips);
        const copies: [*]InputOptions = @ptrCast(copied.ptr);
        @memcpy(copies, options);
        mix.* = .{
            .options = copies[0..options.len],
            .clips = samples,
            .frame_bytes = frame_bytes,
        };
        return mix;
    }

    pub fn destroy(self: *Mix) void {
        unmapItems(InputOptions, self.options);
        unmapItems(Input, self.inputs);
        if (self.clips.len > 0) memory.unmap(self.clips);
        if (self.queues.len > 0) memory.unmap(self.queues);
        memory.destroy(Mix, self);
    }

    /// Makes the inputs, for the rate that was granted.
    pub fn prepare(
        self: *Mix,
        rate: u32,
        queue_frames: u32,
        draining: *const std.atomic.Value(bool),
    ) memory.Error!void {
        self.draining = draining;
        var queue_bytes: usize = 0;
        for (self.options) |*options| {
            if (options.feed == .queue) queue_bytes += self.ringBytes(options, queue_frames);
        }
        if (queue_bytes > 0) self.queues = try memory.map(queue_bytes);
        const bytes = try memory.map(self.options.len * @sizeOf(Input));
        const inputs: [*]Input = @ptrCast(bytes.ptr);
        self.inputs = inputs[0..self.options.len];

        var ring_at: usize = 0;
        for (self.inputs, self.options) |*input, *options| switch (options.feed) {
            .queue => |frames| {
                const ring_bytes = self.ringBytes(options, queue_frames);
                defer ring_at += ring_bytes;
                const queue: Queue = .over(
                    self.queues[ring_at..][0..ring_bytes],
                    frames orelse queue_frames,
                    self.frame_bytes,
                );
                input.* = .init(.{ .queue = queue }, options.gain, false);
            },
            .tone => |of| {
                const tone: Tone = .init(of.frequency_hz, of.amplitude, rate);
                input.* = .init(.{ .tone = tone }, options.gain, false);
            },
            .clip => |of| {
                const clip: Clip = .of(self.clips[of.from..of.to], self.frame_bytes, of.loop);
                input.* = .init(.{ .clip = clip }, options.gain, of.autoplay);
            },
        };
    }

    /// Frequency in hertz; 0 without tones.
    pub fn highestTone(self: *const Mix) f64 {
        var highest_hz: f64 = 0;
        for (self.options) |*options| {
            if (options.feed != .tone) continue;
            highest_hz = @max(highest_hz, options.feed.tone.frequency_hz);
        }
        return highest_hz;
    }

    /// Whole pages.
    fn ringBytes(self: *const Mix, options: *const InputOptions, default_frames: u32) usize {
        const frames: usize = options.feed.queue orelse default_frames;
        return std.mem.alignForward(usize, frames * self.frame_bytes, std.heap.page_size_min);
    }

    /// Does what was asked of the inputs since the last time.
    pub fn obey(self: *Mix) void {
        var requested = self.requested.take();
        while (requested.next()) |index| self.inputs[index].obey();
    }

    pub fn render(self: *Mix, block: *const Block) void {
        var count: u32 = 0;
        for (self.inputs, 0..) |*input, index| {
            input.offer(block.frames);
            if (!input.sounds()) continue;
            self.sounding[count] = @intCast(index);
            count += 1;
        }
        if (count == 0) return block.silence();
        const first = &self.inputs[self.sounding[0]];
        if (count == 1 and first.constantGain() == 1) {
            // Bit for bit, whatever the format.
            first.render(&block.first(first.rendered));
            return block.from(first.rendered).silence();
        }
        self.renderSum(block, self.sounding[0..count]);
    }

    fn renderSum(self: *Mix, block: *const Block, sounding: []const u32) void {
        var done: u32 = 0;
        while (done < block.frames) {
            const frames = @min(block.frames - done, Sum.capacity / block.channels);
            self.sum.clear(block.format, frames * block.channels);
            for (sounding) |index| {
                const input = &self.inputs[index];
                const count = @min(frames, input.rendered -| done);
                if (count > 0) self.add(input, done, count, block.channels);
            }
            const part = block.from(done).first(frames);
            const bytes = frames * self.frame_bytes;
            if (block.interleaved) {
                self.sum.store(part.channel[0][0..bytes]);
            } else {
                self.sum.store(self.stored[0..bytes]);
                part.copyInterleaved(self.stored[0..bytes]);
            }
            done += frames;
        }
    }

    /// Adds what an input has for the frames of the block from `offset` on.
    fn add(self: *Mix, input: *const Input, offset: u32, frames: u32, channels: u32) void {
        const factors = self.factors[0..frames];
        const constant = input.constantGain();
        if (constant == null) input.gains(offset, factors);
        if (input.feed == .tone) {
            const values = self.tones[0..frames];
            var ahead = input.feed.tone;
            ahead.advance(offset);
            ahead.render(&.ofInterleaved(@ptrCast(values.ptr), 1, .f32, frames));
            if (constant) |factor| {
                for (values) |*value| value.* *= factor;
            } else {
                for (values, factors) |*value, factor| value.* *= factor;
            }
            return self.sum.addMono(0, values, channels);
        }
        var done: u32 = 0;
        while (done < frames) {
            const samples = input.samples(offset + done, frames - done);
            const count: u32 = @intCast(samples.len / self.frame_bytes);
            if (constant) |factor| {
                self.sum.add(done * channels, samples, factor);
            } else {
                self.addRamp(done, samples, factors[done..][0..count], channels);
            }
            done += count;
        }
    }

    fn addRamp(
        self: *Mix,
        from: u32,
        samples: []const u8,
        factors: []const f32,
        channels: u32,
    ) void {
        for (factors, from.., 0..) |factor, frame, index| {
            const own = samples[index * self.frame_bytes ..][0..self.frame_bytes];
            self.sum.add(frame * channels, own, factor);
        }
    }

    /// The device took so many frames of the block that was rendered last.
    pub fn advance(self: *Mix, frames: u64) void {
        const draining = self.draining.load(.acquire);
        for (self.inputs) |*input| input.advance(@intCast(frames), self.position, draining);
        self.position += frames;
    }

    /// Frames until all is played that ends by itself.
    pub fn remaining(self: *const Mix) u64 {
        var frames: u64 = 0;
        for (self.inputs) |*input| frames = @max(frames, input.remaining());
        return frames;
    }

    /// Whether something was written that has not been played.
    pub fn holdsWritten(self: *const Mix) bool {
        for (self.inputs) |*input| {
            if (input.feed == .queue and input.feed.queue.level() > 0) return true;
        }
        return false;
    }

    /// After a drain or a drop. Only what was asked after `play_ordinal` holds.
    pub fn reset(self: *Mix, play_ordinal: u64) void {
        for (self.inputs) |*input| {
            input.reset(play_ordinal);
            input.end_position = 0;
        }
    }

    /// Looks what of that for which JavaScript waits has come; whether there is any. Frames of the
    /// stream: heard, and given to the device to be heard.
    pub fn tell(self: *Mix, heard: u64, written: u64) bool {
        var any = false;
        var waiting = self.waiting.take();
        while (waiting.next()) |index| {
            const input = &self.inputs[index];
            var events: u32 = 0;
            if (tookRoom(input)) events |= @intFromEnum(abi.MixEvent.room);
            if (self.hasDrained(input, heard, written)) {
                events |= @intFromEnum(abi.MixEvent.drained);
            }
            if (isAwaited(input)) self.waiting.put(index);
            if (events == 0) continue;
            _ = input.events.fetchOr(events, .release);
            self.eventful.put(index);
            any = true;
        }
        return any;
    }

    fn isAwaited(input: *const Input) bool {
        if (input.wanted_room.load(.seq_cst) != nobody) return true;
        return input.drain_request.load(.acquire) != input.counters.drained.load(.monotonic);
    }

    fn tookRoom(input: *Input) bool {
        const wanted = input.wanted_room.load(.seq_cst);
        if (wanted == nobody or input.feed.queue.free() < wanted) return false;
        return input.wanted_room.swap(nobody, .seq_cst) != nobody;
    }

    fn hasDrained(self: *const Mix, input: *Input, heard: u64, written: u64) bool {
        const wanted = input.drain_request.load(.acquire);
        if (wanted == input.counters.drained.load(.monotonic) or !input.isDrained()) return false;
        // What the device lost is not waited for.
        const behind = self.position -| input.end_position;
        if (heard < written -| behind) return false;
        input.counters.drained.store(wanted, .release);
        return true;
    }

    fn unmapItems(comptime Item: type, items: []Item) void {
        if (items.len == 0) return;
        const bytes: [*]align(std.heap.page_size_min) u8 = @ptrCast(@alignCast(items.ptr));
        const length = items.len * @sizeOf(Item);
        memory.unmap(bytes[0..std.mem.alignForward(usize, length, std.heap.page_size_min)]);
    }
};
