//! The control: an ALSA plug-in whose pointer callback, which the write thread calls, does what no
//! realtime thread may do. The name under which a PCM of the type `impure` is opened says what.

const std = @import("std");
const linux = std.os.linux;

const Misdeed = enum {
    impure_nothing,
    impure_malloc,
    impure_page,
    impure_contended_mutex,
    impure_contended_futex,
    impure_shared_mutex,
    impure_log,
    impure_sleep,
};

/// As `pcm_ioplug.h` lays them out: protocol 1.0.2.
const Plug = extern struct {
    version: c_uint = 1 << 16 | 0 << 8 | 2,
    name: [*:0]const u8 = "Impure",
    flags: c_uint = 0,
    poll_fd: c_int = -1,
    poll_events: c_uint = 0,
    mmap_rw: c_uint = 1,
    callback: *const Callbacks = &callbacks,
    private_data: ?*anyopaque = null,
    pcm: ?*anyopaque = null,
    stream: c_int = 0,
    state: c_int = 0,
    appl_ptr: c_ulong = 0,
    hw_ptr: c_ulong = 0,
    nonblock: c_int = 0,
    access: c_int = 0,
    format: c_int = 0,
    channels: c_uint = 0,
    rate: c_uint = 0,
    period_size: c_ulong = 0,
    buffer_size: c_ulong = 0,
};

const Callbacks = extern struct {
    start: *const fn (*Plug) callconv(.c) c_int,
    stop: *const fn (*Plug) callconv(.c) c_int,
    pointer: *const fn (*Plug) callconv(.c) c_long,
    others: [17]?*const anyopaque = @splat(null),
};

const callbacks: Callbacks = .{ .start = &start, .stop = &stop, .pointer = &pointer };

const Pcm = struct {
    plug: Plug = .{},
    misdeed: Misdeed,
    started_ns: u64 = 0,
    pages: []align(std.heap.page_size_min) u8 = &.{},
    rival: Rival = .{},
};

export const __snd_pcm_impure_open_dlsym_pcm_001: u8 = 0;

export fn _snd_pcm_impure_open(
    result: *?*anyopaque,
    name: [*:0]const u8,
    _: *anyopaque,
    _: *anyopaque,
    direction: c_int,
    mode: c_int,
) callconv(.c) c_int {
    const invalid = -@as(c_int, @intFromEnum(linux.E.INVAL));
    const misdeed = std.meta.stringToEnum(Misdeed, std.mem.span(name)) orelse return invalid;
    // One for each open, for the rest of the process.
    const self = std.heap.c_allocator.create(Pcm) catch return invalid;
    self.* = .{ .misdeed = misdeed };
    prepareFor(self) catch return invalid;
    const Create = *const fn (*Plug, [*:0]const u8, c_int, c_int) callconv(.c) c_int;
    const asound = std.c.dlopen("libasound.so.2", .{ .LAZY = true }) orelse return invalid;
    const create: Create = @ptrCast(std.c.dlsym(asound, "snd_pcm_ioplug_create") orelse
        return invalid);
    const created = create(&self.plug, name, direction, mode);
    if (created >= 0) result.* = self.plug.pcm;
    return created;
}

fn prepareFor(self: *Pcm) !void {
    switch (self.misdeed) {
        .impure_page => {
            self.pages = try std.posix.mmap(
                null,
                4096 * std.heap.page_size_min,
                .{ .READ = true, .WRITE = true },
                .{ .TYPE = .PRIVATE, .ANONYMOUS = true },
                -1,
                0,
            );
            // One page at a time.
            _ = linux.madvise(self.pages.ptr, self.pages.len, linux.MADV.NOHUGEPAGE);
        },
        .impure_contended_mutex, .impure_contended_futex, .impure_shared_mutex => {
            const thread = try std.Thread.spawn(.{}, Rival.run, .{ &self.rival, self.misdeed });
            thread.detach();
        },
        .impure_nothing, .impure_malloc, .impure_log, .impure_sleep => {},
    }
}

fn monotonicNs() u64 {
    var now: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.MONOTONIC, &now);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

fn start(plug: *Plug) callconv(.c) c_int {
    const self: *Pcm = @fieldParentPtr("plug", plug);
    self.started_ns = monotonicNs();
    return 0;
}

/// The pointer stands until the next start.
fn stop(plug: *Plug) callconv(.c) c_int {
    const self: *Pcm = @fieldParentPtr("plug", plug);
    self.started_ns = 0;
    return 0;
}

fn pointer(plug: *Plug) callconv(.c) c_long {
    const self: *Pcm = @fieldParentPtr("plug", plug);
    if (self.started_ns == 0) return 0;
    misbehave(self);
    const elapsed_ns = monotonicNs() - self.started_ns;
    const frames = @as(u128, elapsed_ns) * plug.rate / std.time.ns_per_s;
    return @intCast(frames % plug.buffer_size);
}

fn misbehave(self: *Pcm) void {
    switch (self.misdeed) {
        .impure_nothing => {},
        .impure_malloc => {
            const block = std.c.malloc(64);
            std.mem.doNotOptimizeAway(block);
            std.c.free(block);
        },
        .impure_page => {
            self.pages[0] = 1;
            if (self.pages.len > std.heap.page_size_min) {
                self.pages = @alignCast(self.pages[std.heap.page_size_min..]);
            }
        },
        .impure_contended_mutex => {
            self.rival.provoke();
            _ = std.c.pthread_mutex_lock(&self.rival.mutex);
            _ = std.c.pthread_mutex_unlock(&self.rival.mutex);
        },
        .impure_contended_futex => {
            self.rival.provoke();
            self.rival.futex.lock();
            self.rival.futex.unlock();
        },
        .impure_shared_mutex => {
            _ = std.c.pthread_mutex_lock(&self.rival.mutex);
            _ = std.c.pthread_mutex_unlock(&self.rival.mutex);
            self.rival.provoke();
        },
        .impure_log => _ = std.c.write(2, "late\n", 5),
        .impure_sleep => _ = std.c.nanosleep(&.{ .sec = 0, .nsec = 1 }, null),
    }
}

/// An ordinary thread with the same locks.
const Rival = struct {
    wanted: std.atomic.Value(bool) = .init(false),
    holding: std.atomic.Value(bool) = .init(false),
    mutex: std.c.pthread_mutex_t = .{},
    futex: FutexLock = .{},

    /// Returns as soon as the rival holds its lock, which it will for a while, or has held it.
    fn provoke(self: *Rival) void {
        self.wanted.store(true, .release);
        while (!self.holding.swap(false, .acq_rel)) std.atomic.spinLoopHint();
    }

    fn run(self: *Rival, misdeed: Misdeed) void {
        // Who opened the PCM has passed on its name.
        _ = linux.prctl(@intFromEnum(linux.PR.SET_NAME), @intFromPtr("rival"), 0, 0, 0);
        while (true) {
            pause(100 * std.time.ns_per_us);
            if (!self.wanted.swap(false, .acq_rel)) continue;
            if (misdeed == .impure_contended_futex) {
                self.futex.lock();
                self.hold();
                self.futex.unlock();
            } else {
                _ = std.c.pthread_mutex_lock(&self.mutex);
                if (misdeed == .impure_contended_mutex) self.hold();
                _ = std.c.pthread_mutex_unlock(&self.mutex);
                if (misdeed == .impure_shared_mutex) self.holding.store(true, .release);
            }
        }
    }

    fn hold(self: *Rival) void {
        self.holding.store(true, .release);
        pause(2 * std.time.ns_per_ms);
    }

    fn pause(ns: isize) void {
        _ = std.c.nanosleep(&.{ .sec = 0, .nsec = ns }, null);
    }
};

/// A lock that no C library knows of.
const FutexLock = struct {
    held: std.atomic.Value(u32) = .init(0),

    fn lock(self: *FutexLock) void {
        while (self.held.swap(1, .acquire) != 0) {
            const wait: linux.FUTEX_OP = .{ .cmd = .WAIT, .private = true };
            _ = linux.futex_4arg(&self.held.raw, wait, 1, null);
        }
    }

    fn unlock(self: *FutexLock) void {
        self.held.store(0, .release);
        _ = linux.futex_3arg(&self.held.raw, .{ .cmd = .WAKE, .private = true }, 1);
    }
};
