//! Where a thread faults: the kernel's log of each page fault, by perf_event_open(2). A machine
//! that does not permit this leaves the log empty; the faults are counted all the same.

const std = @import("std");
const linux = std.os.linux;

const data_pages = 4;
const page_bytes = std.heap.page_size_min;
const record_sample = 9;

pub const Fault = extern struct {
    instruction: u64,
    address: u64,

    /// PERF_SAMPLE_IP and PERF_SAMPLE_ADDR.
    const sample_type = 1 << 0 | 1 << 3;
};

const Record = extern struct { type: u32, misc: u16, size: u16, fault: Fault };

pub const FaultLog = struct {
    descriptor: i32 = -1,
    pages: []align(page_bytes) const u8 = &.{},

    pub fn open(tid: i32) FaultLog {
        var event: linux.perf_event_attr = .{
            .type = .SOFTWARE,
            .config = @intFromEnum(linux.PERF.COUNT.SW.PAGE_FAULTS),
            .sample_period_or_freq = 1,
            .sample_type = Fault.sample_type,
        };
        var opened = linux.perf_event_open(&event, tid, -1, -1, linux.PERF.FLAG.FD_CLOEXEC);
        if (linux.errno(opened) != .SUCCESS) {
            // What everybody may see.
            event.flags.exclude_kernel = true;
            opened = linux.perf_event_open(&event, tid, -1, -1, linux.PERF.FLAG.FD_CLOEXEC);
        }
        if (linux.errno(opened) != .SUCCESS) return .{};
        const descriptor: i32 = @intCast(opened);
        const pages = std.posix.mmap(
            null,
            (1 + data_pages) * page_bytes,
            .{ .READ = true, .WRITE = true },
            .{ .TYPE = .SHARED },
            descriptor,
            0,
        ) catch return .{};
        return .{ .descriptor = descriptor, .pages = pages };
    }

    /// Copies what was logged until now, as far as there is room.
    pub fn read(self: *const FaultLog, faults: []Fault) usize {
        if (self.descriptor < 0) return 0;
        const head: *const linux.perf_event_mmap_page = @ptrCast(self.pages);
        const end = @min(@atomicLoad(u64, &head.data_head, .acquire), data_pages * page_bytes);
        var at: usize = 0;
        var count: usize = 0;
        while (at < end and count < faults.len) {
            const bytes = self.pages[page_bytes + at ..];
            const record: *align(8) const Record = @ptrCast(@alignCast(bytes));
            if (record.type == record_sample) {
                faults[count] = record.fault;
                count += 1;
            }
            at += record.size;
        }
        return count;
    }
};
