//! Which processes have a PCM of the kernel open, as /proc/asound tells. Read here and not in
//! JavaScript: Deno guards /proc by --allow-all.

const std = @import("std");
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const Failure = @import("../failure.zig").Failure;

/// A process that has substreams of a PCM open.
pub const Holder = struct {
    /// 0: it cannot be seen from here, as one of another container.
    pid: u32,
    name_buffer: [name_bytes_max]u8 = undefined,
    name_length: usize = 0,

    /// As of the kernel's TASK_COMM_LEN.
    const name_bytes_max = 16;

    /// Empty where the process has ended meanwhile.
    pub fn name(self: *const Holder) []const u8 {
        return self.name_buffer[0..self.name_length];
    }

    /// As in "aplay (pid 41)".
    pub fn format(self: Holder, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        if (self.pid == 0) return writer.writeAll("a process that cannot be seen from here");
        if (self.name_length == 0) return writer.print("pid {d}", .{self.pid});
        return writer.print("{s} (pid {d})", .{ self.name(), self.pid });
    }
};

/// The processes that hold one PCM, each once.
pub const Holders = struct {
    buffer: [holders_max]Holder = undefined,
    count: usize = 0,
    /// Substreams that there are, and those of them that are open.
    substreams: u32 = 0,
    open: u32 = 0,

    const holders_max = 16;
    const substreams_max = 128;

    /// `card` is the name of the card's folder: its id, or "card" and its number.
    pub fn find(card: []const u8, device: u32, direction: alsa.Stream) Holders {
        var self: Holders = .{};
        while (self.substreams < substreams_max) : (self.substreams += 1) {
            var path_buffer: [path_bytes_max]u8 = undefined;
            const letter: u8 = if (direction == .playback) 'p' else 'c';
            const path = std.fmt.bufPrintZ(
                &path_buffer,
                "/proc/asound/{s}/pcm{d}{c}/sub{d}/status",
                .{ card, device, letter, self.substreams },
            ) catch return self;
            var text_buffer: [file_bytes_max]u8 = undefined;
            const text = readFile(path, &text_buffer) orelse return self;
            const thread = numberBehind(text, "owner_pid") orelse continue;
            self.open += 1;
            self.add(thread);
        }
        return self;
    }

    pub fn items(self: *const Holders) []const Holder {
        return self.buffer[0..self.count];
    }

    fn add(self: *Holders, thread: u32) void {
        const holder = holderOf(thread);
        for (self.items()) |known| if (known.pid == holder.pid) return;
        if (self.count == holders_max) return;
        self.buffer[self.count] = holder;
        self.count += 1;
    }
};

const path_bytes_max = 128;
const file_bytes_max = 2048;

/// The kernel names the thread that opened the PCM.
fn holderOf(thread: u32) Holder {
    if (thread == 0) return .{ .pid = 0 };
    var path_buffer: [path_bytes_max]u8 = undefined;
    var text_buffer: [file_bytes_max]u8 = undefined;
    const status = std.fmt.bufPrintZ(&path_buffer, "/proc/{d}/status", .{thread}) catch unreachable;
    const pid = if (readFile(status, &text_buffer)) |text|
        numberBehind(text, "Tgid") orelse thread
    else
        thread;
    var holder: Holder = .{ .pid = pid };
    const comm = std.fmt.bufPrintZ(&path_buffer, "/proc/{d}/comm", .{pid}) catch unreachable;
    const text = readFile(comm, &text_buffer) orelse return holder;
    const name = std.mem.trimEnd(u8, text, "\n");
    holder.name_length = @min(name.len, holder.name_buffer.len);
    @memcpy(holder.name_buffer[0..holder.name_length], name[0..holder.name_length]);
    return holder;
}

/// The number in a line such as "owner_pid   : 41".
fn numberBehind(text: []const u8, key: []const u8) ?u32 {
    var lines = std.mem.splitScalar(u8, text, '\n');
    while (lines.next()) |line| {
        const colon = std.mem.indexOfScalar(u8, line, ':') orelse continue;
        if (!std.mem.eql(u8, std.mem.trim(u8, line[0..colon], " \t"), key)) continue;
        return std.fmt.parseInt(u32, std.mem.trim(u8, line[colon + 1 ..], " \t"), 10) catch null;
    }
    return null;
}

/// The start of a file, or null where it cannot be read.
fn readFile(path: [:0]const u8, buffer: []u8) ?[]const u8 {
    const result = linux.open(path, .{ .CLOEXEC = true }, 0);
    if (linux.errno(result) != .SUCCESS) return null;
    const descriptor: i32 = @intCast(result);
    defer _ = linux.close(descriptor);
    const length = linux.read(descriptor, buffer.ptr, buffer.len);
    return if (linux.errno(length) == .SUCCESS) buffer[0..length] else null;
}

/// Adds to the failure to open a PCM that is busy who holds it.
pub fn explain(failure: *Failure, name: []const u8, direction: alsa.Stream) void {
    if (failure.code != .device_busy) return;
    var writer: std.Io.Writer = .fixed(failure.buffer[failure.length..]);
    // A text that does not fit is cut.
    describe(name, direction, &writer) catch {};
    failure.length += writer.end;
}

/// As far as the name or the kernel tells which device it is: "; hw:0,0 is held by aplay (pid 41)".
fn describe(
    name: []const u8,
    direction: alsa.Stream,
    writer: *std.Io.Writer,
) std.Io.Writer.Error!void {
    if (Address.parse(name)) |address| {
        var folder_buffer: [32]u8 = undefined;
        const folder = address.folder(&folder_buffer) orelse return;
        const holders: Holders = .find(folder, address.device, direction);
        return writeHolders(&holders, address.card, address.device, writer);
    }
    // Another name can stand for any device that nobody else can open.
    for (0..cards_max) |card| {
        for (0..devices_max) |device| {
            var number_buffer: [32]u8 = undefined;
            const folder = std.fmt.bufPrint(&number_buffer, "card{d}", .{card}) catch unreachable;
            const holders: Holders = .find(folder, @intCast(device), direction);
            if (holders.open < holders.substreams) continue;
            try writeHolders(&holders, folder["card".len..], @intCast(device), writer);
        }
    }
}

/// As many as the kernel numbers without dynamic minors; further ones are not looked for.
const cards_max = 32;
const devices_max = 32;

fn writeHolders(
    holders: *const Holders,
    card: []const u8,
    device: u32,
    writer: *std.Io.Writer,
) std.Io.Writer.Error!void {
    for (holders.items(), 0..) |holder, index| {
        if (index > 0) {
            try writer.print(", {f}", .{holder});
        } else {
            try writer.print("; hw:{s},{d} is held by {f}", .{ card, device, holder });
        }
    }
}

/// What the name of a PCM of the type `hw` says, with or without conversions.
const Address = struct {
    /// Number or id.
    card: []const u8,
    device: u32 = 0,

    fn parse(name: []const u8) ?Address {
        const colon = std.mem.indexOfScalar(u8, name, ':') orelse return null;
        const kind = name[0..colon];
        if (!std.mem.eql(u8, kind, "hw") and !std.mem.eql(u8, kind, "plughw")) return null;
        var self: Address = .{ .card = "" };
        var arguments = std.mem.splitScalar(u8, name[colon + 1 ..], ',');
        var index: usize = 0;
        while (arguments.next()) |argument| : (index += 1) {
            const equals = std.mem.indexOfScalar(u8, argument, '=');
            const value = if (equals) |at| argument[at + 1 ..] else argument;
            const order = [_][]const u8{ "CARD", "DEV", "SUBDEV" };
            if (equals == null and index >= order.len) return null;
            const key = if (equals) |at| argument[0..at] else order[index];
            if (std.mem.eql(u8, key, "CARD")) self.card = value;
            if (std.mem.eql(u8, key, "DEV")) {
                self.device = std.fmt.parseInt(u32, value, 10) catch return null;
            }
        }
        for (self.card) |byte| {
            if (!std.ascii.isAlphanumeric(byte) and byte != '_' and byte != '-') return null;
        }
        return if (self.card.len == 0) null else self;
    }

    fn folder(self: *const Address, buffer: []u8) ?[]const u8 {
        const number = std.fmt.parseInt(u32, self.card, 10) catch return self.card;
        return std.fmt.bufPrint(buffer, "card{d}", .{number}) catch null;
    }
};

test "names of the hardware are taken apart, and no others" {
    const named = [_]struct { []const u8, []const u8, u32 }{
        .{ "hw:0", "0", 0 },
        .{ "hw:1,2", "1", 2 },
        .{ "plughw:PCH,3,1", "PCH", 3 },
        .{ "hw:CARD=U0x46d,DEV=1", "U0x46d", 1 },
        .{ "hw:DEV=1,CARD=2", "2", 1 },
    };
    for (named) |case| {
        const name, const card, const device = case;
        const address = Address.parse(name).?;
        try std.testing.expectEqualStrings(card, address.card);
        try std.testing.expectEqual(device, address.device);
    }
    const others = [_][]const u8{ "default", "hdmi:0", "hw", "hw:", "hw:../x", "hw:0,x", "hw:,1" };
    for (others) |name| {
        try std.testing.expectEqual(null, Address.parse(name));
    }
}

test "the owner of a substream is found in its status, and none in a closed one" {
    const running = "state: RUNNING\nowner_pid   : 41\ntrigger_time: 182.002381\n";
    try std.testing.expectEqual(41, numberBehind(running, "owner_pid"));
    try std.testing.expectEqual(null, numberBehind("closed\n", "owner_pid"));
    try std.testing.expectEqual(40, numberBehind("Name:\tx\nTgid:\t40\n", "Tgid"));
}

test "a thread is told by its process" {
    const holder = holderOf(@intCast(linux.gettid()));
    try std.testing.expectEqual(@as(u32, @intCast(linux.getpid())), holder.pid);
    try std.testing.expect(holder.name().len > 0);
}
