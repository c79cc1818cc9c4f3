//! Virtual cards as devices of the engine: `virtual` is a real-time card of the stream's own,
//! `virtual:<handle>` one that was opened before.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const handles = @import("handles.zig");
const Card = @import("card/card.zig").Card;
const Simulation = @import("simulation.zig").Simulation;
const Stream = @import("stream.zig").Stream;

const allocator = std.heap.c_allocator;
const device_name = "virtual";

/// Cards that exist, for leak checks.
pub var count: std.atomic.Value(u32) = .init(0);

pub const VirtualCard = struct {
    card: Card,
    /// On the simulated clock.
    simulation: ?*Simulation = null,
    /// Handle of the realm that opened it; of a stream's own card 0.
    owner: u32,
    /// Streams open on it.
    streams: std.atomic.Value(u32) = .init(0),

    pub fn create(
        options: Card.Options,
        tap: Card.Tap,
        owner: u32,
    ) Card.CreateError!*VirtualCard {
        const self = try allocator.create(VirtualCard);
        errdefer allocator.destroy(self);
        self.* = .{ .card = undefined, .owner = owner };
        try self.card.init(options, tap);
        errdefer self.card.deinit();
        if (options.clock == .simulated) {
            const simulation = try allocator.create(Simulation);
            errdefer allocator.destroy(simulation);
            simulation.* = try .init(&self.card);
            self.simulation = simulation;
        }
        _ = count.fetchAdd(1, .monotonic);
        return self;
    }

    pub fn destroy(self: *VirtualCard) void {
        if (self.simulation) |simulation| {
            simulation.deinit();
            allocator.destroy(simulation);
        }
        self.card.deinit();
        _ = count.fetchSub(1, .monotonic);
        allocator.destroy(self);
    }
};

/// Closes a card that the caller has pinned. False: streams are open on it, or it is being closed
/// already; the caller still has its pin.
pub fn release(handle: u32, card: *VirtualCard) bool {
    if (card.streams.load(.acquire) > 0) return false;
    if (!handles.remove(handle)) return false;
    card.destroy();
    return true;
}

pub fn isName(device: []const u8) bool {
    return std.mem.eql(u8, device, device_name) or
        std.mem.startsWith(u8, device, device_name ++ ":");
}

/// The card's handle in a device name, or null for a card of the stream's own.
fn handleIn(device: []const u8) error{InvalidName}!?u32 {
    if (device.len == device_name.len) return null;
    const digits = device[device_name.len + 1 ..];
    // parseInt would also take a sign, underscores and leading zeros.
    if (digits.len == 0 or digits[0] == '0') return error.InvalidName;
    for (digits) |digit| if (!std.ascii.isDigit(digit)) return error.InvalidName;
    return std.fmt.parseInt(u32, digits, 10) catch error.InvalidName;
}

/// Finds or makes the stream's card. The control side calls it before the stream is opened, so that
/// the card cannot be closed in between.
pub fn attach(stream: *Stream) bool {
    const handle = (handleIn(stream.device) catch 0) orelse {
        stream.card = VirtualCard.create(.{}, .none, 0) catch return false;
        stream.card_owned = true;
        return true;
    };
    stream.card = handles.pin(VirtualCard, handle) orelse return false;
    defer handles.unpin(handle);
    _ = stream.card.?.streams.fetchAdd(1, .acq_rel);
    return true;
}

/// The limits of the card of that name, or null if there is none.
pub fn optionsOf(device: []const u8) ?Card.Options {
    const handle = (handleIn(device) catch return null) orelse return .{};
    const self = handles.pin(VirtualCard, handle) orelse return null;
    defer handles.unpin(handle);
    return self.card.options;
}

pub fn openPcm(stream: *Stream) error{OpenFailed}!void {
    const card = &stream.card.?.card;
    const opened = card.openPcm(stream.asound, device_name, alsa.open_nonblock, .{
        .format = stream.options.wanted.format,
        .channels = stream.options.wanted.channels,
    }) catch |err| {
        switch (err) {
            error.AccessDenied => {
                stream.failure.set(
                    .permission_denied,
                    "The virtual card refuses to be opened, as its test asked",
                    .{},
                );
                stream.failure.call = "snd_pcm_open";
                stream.failure.errno = @intFromEnum(std.os.linux.E.ACCES);
            },
            error.DeviceBusy => {
                stream.failure.set(
                    .device_busy,
                    "All {d} substreams of the virtual card are open",
                    .{card.options.substreams},
                );
                // As of a real card.
                stream.failure.call = "snd_pcm_open";
                stream.failure.errno = @intFromEnum(std.os.linux.E.BUSY);
            },
            error.OutOfMemory => stream.failure.set(
                .out_of_memory,
                "Not enough memory for a PCM",
                .{},
            ),
            error.LibraryTooOld => stream.failure.set(
                .library_too_old,
                "libasound does not know ioplug plug-ins of protocol 1.0.2",
                .{},
            ),
        }
        return error.OpenFailed;
    };
    stream.pcm = opened.pcm;
    stream.asound = opened.asound;
    stream.substream = opened.substream;
}

pub fn detach(stream: *Stream) void {
    const card = stream.card orelse return;
    stream.card = null;
    if (stream.card_owned) return card.destroy();
    _ = card.streams.fetchSub(1, .acq_rel);
}
