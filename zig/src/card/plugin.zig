//! The virtual card for any other ALSA client: the entry that libasound looks up in the library
//! that an asoundrc names for the type; in a PCM's own definition libasound does not look for one.
//! Every open makes a card of its own, on the real-time clock:
//!
//!     pcm_type.halflap.lib "/path/to/libhalflap.so"
//!     pcm.virtual {
//!         type halflap
//!         tap { @func getenv vars [ HALFLAP_TAP ] default "" }   # a WAV file
//!         drift_ppm 0
//!     }

const std = @import("std");
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const Card = @import("card.zig").Card;
const report = @import("report.zig").report;

/// libasound checks a plug-in's protocol by the existence of this symbol.
export const __snd_pcm_halflap_open_dlsym_pcm_001: u8 = 0;

export fn _snd_pcm_halflap_open(
    pcm: *?*alsa.Pcm,
    name: [*:0]const u8,
    _: *alsa.Config,
    configuration: *const alsa.Config,
    direction: alsa.Stream,
    mode: c_int,
) callconv(.c) c_int {
    const asound = alsa.load() catch return fail(.NOSYS);
    if (direction != .playback) {
        report(asound, "The virtual card \"{s}\" plays only", .{name});
        return fail(.NODEV);
    }
    const parameters = Parameters.parse(asound, configuration) catch return fail(.INVAL);
    const card = parameters.createCard() catch |err| {
        report(asound, "The virtual card \"{s}\" cannot be made: {t}", .{ name, err });
        return fail(switch (err) {
            error.InvalidArgument => .INVAL,
            error.OutOfMemory => .NOMEM,
            error.ThreadUnavailable => .AGAIN,
        });
    };
    const opened = card.openPcm(asound, name, mode, null) catch |err| {
        card.destroy();
        return fail(switch (err) {
            error.AccessDenied => .ACCES,
            error.DeviceBusy => .BUSY,
            error.OutOfMemory => .NOMEM,
            error.LibraryTooOld => .NOSYS,
        });
    };
    card.ends_with_pcm = true;
    pcm.* = opened.pcm;
    return 0;
}

/// The fields of the PCM's definition.
const Parameters = struct {
    /// Empty for none.
    tap_path: []const u8 = "",
    drift_ppm: f64 = 0,

    const Error = error{InvalidConfiguration};

    fn createCard(self: Parameters) Card.CreateError!*Card {
        return Card.create(
            .{ .drift_ppm = self.drift_ppm, .substreams = 1 },
            if (self.tap_path.len == 0) .none else .{ .wav = self.tap_path },
        );
    }

    fn parse(asound: *const alsa.Libasound, configuration: *const alsa.Config) Error!Parameters {
        var parameters: Parameters = .{};
        const end = asound.snd_config_iterator_end(configuration);
        var iterator = asound.snd_config_iterator_first(configuration);
        while (iterator != end) : (iterator = asound.snd_config_iterator_next(iterator)) {
            const field = asound.snd_config_iterator_entry(iterator);
            var id: [*:0]const u8 = undefined;
            if (asound.snd_config_get_id(field, &id) < 0) continue;
            parameters.set(asound, std.mem.span(id), field) catch |err| {
                report(asound, "The virtual card's field \"{s}\" is unknown or invalid", .{id});
                return err;
            };
        }
        return parameters;
    }

    fn set(
        self: *Parameters,
        asound: *const alsa.Libasound,
        id: []const u8,
        field: *const alsa.Config,
    ) Error!void {
        // libasound's own.
        for ([_][]const u8{ "comment", "type", "hint", "lib" }) |known| {
            if (std.mem.eql(u8, id, known)) return;
        }
        if (std.mem.eql(u8, id, "tap")) {
            var path: [*:0]const u8 = undefined;
            if (asound.snd_config_get_string(field, &path) < 0) return error.InvalidConfiguration;
            self.tap_path = std.mem.span(path);
        } else if (std.mem.eql(u8, id, "drift_ppm")) {
            // An integer, a real or a string.
            var text: ?[*:0]u8 = null;
            if (asound.snd_config_get_ascii(field, &text) < 0) return error.InvalidConfiguration;
            defer std.c.free(text);
            self.drift_ppm = std.fmt.parseFloat(f64, std.mem.span(text.?)) catch
                return error.InvalidConfiguration;
        } else {
            return error.InvalidConfiguration;
        }
    }
};

fn fail(errno: linux.E) c_int {
    return -@as(c_int, @intFromEnum(errno));
}
