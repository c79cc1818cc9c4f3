//! Preloaded into the observed process: counts the allocations of the watched threads and the
//! mutexes that they share with others, whoever calls: libasound, libc or the engine. Runtimes that
//! bring an allocator of their own keep it to themselves.

const std = @import("std");
const linux = std.os.linux;
const shared = @import("shared.zig");

var board: ?*shared.Board = null;

export const attach_at_start: *const fn () callconv(.c) void linksection(".init_array") = &attach;

/// Populated here, so that a watched thread never faults on it.
fn attach() callconv(.c) void {
    const size = @sizeOf(shared.Board);
    const flags: linux.MAP = .{ .TYPE = .SHARED, .POPULATE = true };
    const access: linux.PROT = .{ .READ = true, .WRITE = true };
    const result = linux.mmap(null, size, access, flags, shared.descriptor, 0);
    // A program that nobody observes.
    if (linux.errno(result) != .SUCCESS) return;
    const mapped: *shared.Board = @ptrFromInt(result);
    if (mapped.magic == shared.magic) board = mapped;
}

fn threadPointer() u64 {
    return asm ("movq %%fs:0, %[pointer]"
        : [pointer] "=r" (-> u64),
    );
}

fn watched() []shared.Thread {
    const mapped = board orelse return &.{};
    return mapped.threads[0..mapped.watched.load(.acquire)];
}

fn watchedSelf() ?*shared.Thread {
    const threads = watched();
    if (threads.len == 0) return null;
    const pointer = threadPointer();
    for (threads) |*thread| if (thread.pointer == pointer) return thread;
    return null;
}

fn count(thread: *shared.Thread, event: shared.Event, caller: usize) void {
    const tally = thread.tally(event);
    if (tally.count.fetchAdd(1, .monotonic) == 0) tally.caller.store(caller, .monotonic);
}

fn countAllocation(event: shared.Event, caller: usize) void {
    if (watchedSelf()) |thread| count(thread, event, caller);
}

// glibc's own names: nothing has to be looked up, which would allocate.
extern fn __libc_malloc(size: usize) ?*anyopaque;
extern fn __libc_calloc(number: usize, size: usize) ?*anyopaque;
extern fn __libc_realloc(block: ?*anyopaque, size: usize) ?*anyopaque;
extern fn __libc_free(block: ?*anyopaque) void;
extern fn __libc_memalign(alignment: usize, size: usize) ?*anyopaque;

export fn malloc(size: usize) ?*anyopaque {
    countAllocation(.malloc, @returnAddress());
    return __libc_malloc(size);
}

export fn calloc(number: usize, size: usize) ?*anyopaque {
    countAllocation(.calloc, @returnAddress());
    return __libc_calloc(number, size);
}

export fn realloc(block: ?*anyopaque, size: usize) ?*anyopaque {
    countAllocation(.realloc, @returnAddress());
    return __libc_realloc(block, size);
}

export fn free(block: ?*anyopaque) void {
    if (block != null) countAllocation(.free, @returnAddress());
    __libc_free(block);
}

export fn memalign(alignment: usize, size: usize) ?*anyopaque {
    countAllocation(.memalign, @returnAddress());
    return __libc_memalign(alignment, size);
}

export fn aligned_alloc(alignment: usize, size: usize) ?*anyopaque {
    countAllocation(.aligned_alloc, @returnAddress());
    return __libc_memalign(alignment, size);
}

export fn posix_memalign(block: *?*anyopaque, alignment: usize, size: usize) c_int {
    countAllocation(.posix_memalign, @returnAddress());
    if (alignment % @sizeOf(usize) != 0 or !std.math.isPowerOfTwo(alignment)) {
        return @intFromEnum(linux.E.INVAL);
    }
    block.* = __libc_memalign(alignment, size) orelse return @intFromEnum(linux.E.NOMEM);
    return 0;
}

const Lock = *const fn (mutex: *anyopaque) callconv(.c) c_int;

/// A function that this library shadows, looked up where it is first called.
fn Shadowed(comptime name: [:0]const u8) type {
    return struct {
        var found: std.atomic.Value(?Lock) = .init(null);

        fn get() Lock {
            if (found.load(.monotonic)) |present| return present;
            const next: ?*anyopaque = @ptrFromInt(std.math.maxInt(usize));
            const address = std.c.dlsym(next, name) orelse std.process.abort();
            found.store(@ptrCast(address), .monotonic);
            return @ptrCast(address);
        }
    };
}

const next_lock = Shadowed("pthread_mutex_lock");
const next_trylock = Shadowed("pthread_mutex_trylock");

export fn pthread_mutex_lock(mutex: *anyopaque) c_int {
    const caller = @returnAddress();
    const threads = watched();
    if (threads.len == 0) return next_lock.get()(mutex);
    const self = watchedSelf();
    for (threads) |*thread| {
        if (thread == self or !takes(thread, mutex)) continue;
        if (self != null or !isJanitor()) count(thread, .shared_lock, caller);
    }
    const thread = self orelse return next_lock.get()(mutex);
    remember(thread, mutex, caller);
    const result = next_trylock.get()(mutex);
    if (result != @intFromEnum(linux.E.BUSY)) return result;
    count(thread, .contended_lock, caller);
    return next_lock.get()(mutex);
}

fn takes(thread: *const shared.Thread, mutex: *anyopaque) bool {
    for (&thread.mutexes) |*known| {
        const address = known.load(.acquire);
        if (address == @intFromPtr(mutex)) return true;
        if (address == 0) break;
    }
    return false;
}

fn remember(thread: *shared.Thread, mutex: *anyopaque, caller: usize) void {
    for (&thread.mutexes) |*known| {
        const address = known.load(.monotonic);
        if (address == @intFromPtr(mutex)) return;
        if (address != 0) continue;
        known.store(@intFromPtr(mutex), .release);
        return;
    }
    count(thread, .untracked_lock, caller);
}

/// A janitor has a PCM, and with it its lock, while the write thread has not: they never meet.
fn isJanitor() bool {
    var name: [16]u8 = undefined;
    _ = linux.prctl(@intFromEnum(linux.PR.GET_NAME), @intFromPtr(&name), 0, 0, 0);
    return std.mem.eql(u8, std.mem.sliceTo(&name, 0), "halflap-janitor");
}
