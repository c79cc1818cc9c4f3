//! Lists PCMs: those of the sound cards, by their control devices, which nobody's stream notices;
//! and those that ALSA's configuration names.

const std = @import("std");
const linux = std.os.linux;
const abi = @import("../abi.zig");
const alsa = @import("../alsa/libasound.zig");
const holders_module = @import("holders.zig");
const Answer = @import("answer.zig").Answer;
const Failure = @import("../failure.zig").Failure;
const Holders = holders_module.Holders;
const Probe = @import("probe.zig").Probe;

pub const Error = std.mem.Allocator.Error;

pub const Listing = struct {
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    answers: *std.ArrayList(Answer),
    /// Ask hardware what it can do, too.
    probe: bool,

    /// `with_configuration`: hardware alone is quicker.
    pub fn run(self: *Listing, with_configuration: bool) Error!void {
        try self.listCards();
        if (!with_configuration) return;
        // It has definitions for the cards that were there when it was read.
        _ = self.asound.snd_config_update_free_global();
        try self.listConfiguration();
    }

    fn listCards(self: *Listing) Error!void {
        const asound = self.asound;
        var card_info: ?*alsa.CardInfo = null;
        if (asound.snd_ctl_card_info_malloc(&card_info) < 0) return error.OutOfMemory;
        defer asound.snd_ctl_card_info_free(card_info.?);
        var pcm_info: ?*alsa.PcmInfo = null;
        if (asound.snd_pcm_info_malloc(&pcm_info) < 0) return error.OutOfMemory;
        defer asound.snd_pcm_info_free(pcm_info.?);

        var number: c_int = -1;
        while (asound.snd_card_next(&number) >= 0 and number >= 0) {
            var name_buffer: [32]u8 = undefined;
            const name = std.fmt.bufPrintZ(&name_buffer, "hw:{d}", .{number}) catch unreachable;
            var ctl: ?*alsa.Ctl = null;
            // It may have gone meanwhile.
            if (asound.snd_ctl_open(&ctl, name, alsa.ctl_readonly) < 0) continue;
            defer _ = asound.snd_ctl_close(ctl.?);
            if (asound.snd_ctl_card_info(ctl.?, card_info.?) < 0) continue;
            const card: Card = .{ .ctl = ctl.?, .number = number, .info = card_info.? };
            try self.listPcms(&card, pcm_info.?);
        }
    }

    fn listPcms(self: *Listing, card: *const Card, info: *alsa.PcmInfo) Error!void {
        const asound = self.asound;
        var device: c_int = -1;
        while (asound.snd_ctl_pcm_next_device(card.ctl, &device) >= 0 and device >= 0) {
            for ([_]alsa.Stream{ .playback, .capture }) |direction| {
                asound.snd_pcm_info_set_device(info, @intCast(device));
                asound.snd_pcm_info_set_subdevice(info, 0);
                asound.snd_pcm_info_set_stream(info, direction);
                if (asound.snd_ctl_pcm_info(card.ctl, info) < 0) continue;
                const inode = inodeOf(card.number, device, direction) orelse continue;
                try self.add(card, device, direction, info, inode);
            }
        }
    }

    fn add(
        self: *Listing,
        card: *const Card,
        device: c_int,
        direction: alsa.Stream,
        info: *const alsa.PcmInfo,
        inode: u64,
    ) Error!void {
        const asound = self.asound;
        const free = asound.snd_pcm_info_get_subdevices_avail(info);
        const answer = try self.answers.addOne(self.arena);
        answer.* = .{ .device = .{
            .kind = @floatFromInt(@intFromEnum(abi.DeviceKind.hardware)),
            .direction = @floatFromInt(@intFromEnum(direction)),
            .card = @floatFromInt(card.number),
            .device = @floatFromInt(device),
            .substreams = @floatFromInt(asound.snd_pcm_info_get_subdevices_count(info)),
            .substreams_free = @floatFromInt(free),
            .inode = @floatFromInt(inode),
            .probed = 0,
            .probe_errno = 0,
        } };
        const id = asound.snd_ctl_card_info_get_id(card.info);
        const name = try self.print("hw:CARD={s},DEV={d}", .{ id, device });
        answer.texts.set(.name, name);
        try self.copy(answer, .card_id, id);
        try self.copy(answer, .card_driver, asound.snd_ctl_card_info_get_driver(card.info));
        try self.copy(answer, .card_name, asound.snd_ctl_card_info_get_name(card.info));
        try self.copy(answer, .card_long_name, asound.snd_ctl_card_info_get_longname(card.info));
        try self.copy(answer, .pcm_id, asound.snd_pcm_info_get_id(info));
        try self.copy(answer, .pcm_name, asound.snd_pcm_info_get_name(info));
        try self.addHolders(answer, card, device, direction);
        if (self.probe) try self.ask(answer, name, direction, free);
    }

    fn addHolders(
        self: *Listing,
        answer: *Answer,
        card: *const Card,
        device: c_int,
        direction: alsa.Stream,
    ) Error!void {
        const folder = try self.print("card{d}", .{card.number});
        const holders: Holders = .find(folder, @intCast(device), direction);
        var text: std.Io.Writer.Allocating = .init(self.arena);
        for (holders.items()) |*holder| {
            text.writer.print("{d} {s}\n", .{ holder.pid, holder.name() }) catch
                return error.OutOfMemory;
        }
        answer.texts.set(.holders, text.written());
    }

    /// One that is busy is left alone.
    fn ask(
        self: *Listing,
        answer: *Answer,
        name: [:0]const u8,
        direction: alsa.Stream,
        free: c_uint,
    ) Error!void {
        var failure: Failure = .{};
        const probe: Probe = .{
            .asound = self.asound,
            .arena = self.arena,
            .name = name,
            .direction = direction,
            .answer = answer,
            .failure = &failure,
        };
        if (free > 0) return probe.run();
        failure.set(.device_busy, "All its substreams are in use", .{});
        holders_module.explain(&failure, name, direction);
        try answer.setProbed(self.arena, &failure);
    }

    fn listConfiguration(self: *Listing) Error!void {
        const asound = self.asound;
        var hints: ?[*:null]const ?*const alsa.Hint = null;
        if (asound.snd_device_name_hint(-1, "pcm", &hints) < 0) return;
        defer _ = asound.snd_device_name_free_hint(hints.?);
        var index: usize = 0;
        while (hints.?[index]) |hint| : (index += 1) {
            const name = try self.hintText(hint, "NAME");
            // Listed as what they are; newer versions name them here, too.
            if (name.len == 0 or std.mem.startsWith(u8, name, "hw:")) continue;
            const description = try self.hintText(hint, "DESC");
            const direction = try self.hintText(hint, "IOID");
            if (!std.mem.eql(u8, direction, "Input")) {
                try self.addNamed(name, description, .playback);
            }
            if (!std.mem.eql(u8, direction, "Output")) {
                try self.addNamed(name, description, .capture);
            }
        }
    }

    fn addNamed(
        self: *Listing,
        name: []const u8,
        description: []const u8,
        direction: alsa.Stream,
    ) Error!void {
        const answer = try self.answers.addOne(self.arena);
        answer.* = .{ .device = std.mem.zeroes(abi.Device) };
        answer.device.kind = @floatFromInt(@intFromEnum(abi.DeviceKind.configuration));
        answer.device.direction = @floatFromInt(@intFromEnum(direction));
        answer.device.card = -1;
        answer.device.device = -1;
        answer.texts.set(.name, name);
        answer.texts.set(.description, description);
    }

    /// Empty where the hint says nothing of it.
    fn hintText(self: *Listing, hint: *const alsa.Hint, key: [*:0]const u8) Error![]const u8 {
        const text = self.asound.snd_device_name_get_hint(hint, key) orelse return "";
        defer std.c.free(text);
        return self.arena.dupe(u8, std.mem.span(text));
    }

    fn print(self: *Listing, comptime format: []const u8, arguments: anytype) Error![:0]const u8 {
        return std.fmt.allocPrintSentinel(self.arena, format, arguments, 0);
    }

    fn copy(
        self: *Listing,
        answer: *Answer,
        which: abi.QueryText,
        text: [*:0]const u8,
    ) Error!void {
        answer.texts.set(which, try self.arena.dupe(u8, std.mem.span(text)));
    }
};

const Card = struct { ctl: *alsa.Ctl, number: c_int, info: *const alsa.CardInfo };

/// Null where this process must not open the PCM, or cannot yet: its permissions come after it. 0
/// where the kernel is too old to tell.
fn inodeOf(card: c_int, device: c_int, direction: alsa.Stream) ?u64 {
    var buffer: [64]u8 = undefined;
    const letter: u8 = if (direction == .playback) 'p' else 'c';
    const path = std.fmt.bufPrintZ(
        &buffer,
        "/dev/snd/pcmC{d}D{d}{c}",
        .{ card, device, letter },
    ) catch unreachable;
    const permitted = linux.access(path, linux.R_OK | linux.W_OK);
    if (linux.errno(permitted) != .SUCCESS) return null;
    var status: linux.Statx = undefined;
    const result = linux.statx(linux.AT.FDCWD, path, 0, .{ .INO = true }, &status);
    return if (linux.errno(result) == .SUCCESS) status.ino else 0;
}
