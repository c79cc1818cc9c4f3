//! The memory that the observer shares with `counters.zig` in the observed process: whom to watch,
//! and what was counted.

const std = @import("std");
const Atomic = std.atomic.Value;

/// Where the observed process finds the memory when it starts.
pub const descriptor = 100;
pub const magic = 0x7974_6972_7570_2d68;

pub const threads_max = 16;
pub const mutexes_max = 256;

pub const Event = enum {
    malloc,
    calloc,
    realloc,
    free,
    memalign,
    aligned_alloc,
    posix_memalign,
    /// A mutex that another thread held.
    contended_lock,
    /// A mutex that another thread takes too, whether or not one had to wait.
    shared_lock,
    /// More mutexes than there is room for here: some were not watched.
    untracked_lock,
};

pub const Tally = extern struct {
    count: Atomic(u64),
    /// Where the first was called from.
    caller: Atomic(u64),
};

pub const Thread = extern struct {
    /// What the thread's %fs:0 holds; tells threads apart without a system call.
    pointer: u64,
    events: [std.enums.values(Event).len]Tally,
    mutexes: [mutexes_max]Atomic(u64),

    pub fn tally(self: *Thread, event: Event) *Tally {
        return &self.events[@intFromEnum(event)];
    }
};

/// All zero when mapped.
pub const Board = extern struct {
    magic: u64,
    /// Of `threads`; 0 while nobody observes.
    watched: Atomic(u32),
    threads: [threads_max]Thread,
};
