//! Closes the PCM of a sound server, on a thread of its own: the plug-in waits for its server's
//! answer, and without a limit where that one hangs. Whoever closes the stream does not.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const clock = @import("clock.zig");
const noise = @import("alsa/noise.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");

const allocator = std.heap.c_allocator;

/// A server that is only busy answers in this time.
const patience_ns = 2 * std.time.ns_per_s;

const Closing = struct {
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    open_count: *std.atomic.Value(u32),
    finished: std.atomic.Value(bool) = .init(false),
    signal: sync.Signal = .{},
    /// The thread's, and that of who waits for it.
    owners: std.atomic.Value(u32) = .init(2),

    fn run(self: *Closing) void {
        threads.enter("halflap-close");
        noise.capture(self.asound);
        self.close();
        self.finished.store(true, .release);
        self.signal.ring();
        self.disown();
        threads.leave();
    }

    /// The PCM is gone whatever it answers.
    fn close(self: *const Closing) void {
        _ = self.asound.snd_pcm_close(self.pcm);
        _ = self.open_count.fetchSub(1, .monotonic);
    }

    fn wait(self: *Closing) void {
        const deadline_ns = clock.monotonicNs() + patience_ns;
        while (clock.monotonicNs() < deadline_ns) {
            const ticket = self.signal.seen();
            if (self.finished.load(.acquire)) return;
            self.signal.wait(ticket, deadline_ns);
        }
    }

    fn disown(self: *Closing) void {
        if (self.owners.fetchSub(1, .acq_rel) == 1) allocator.destroy(self);
    }
};

/// Returns when the PCM is closed or its server takes too long; then it is closed once that
/// answers. Until then it counts as open.
pub fn close(
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    open_count: *std.atomic.Value(u32),
) void {
    const here: Closing = .{ .asound = asound, .pcm = pcm, .open_count = open_count };
    const closing = allocator.create(Closing) catch return here.close();
    closing.* = here;
    const thread = threads.spawn(Closing.run, .{closing}) catch {
        allocator.destroy(closing);
        return here.close();
    };
    thread.detach();
    closing.wait();
    closing.disown();
}
