//! Keeps libraries in memory. The engine's own is never unloaded: a runtime unloads it at its exit,
//! ALSA clients unload a plug-in when they close its PCM, and either may happen while a thread of
//! ours is still on its way out. And all pages of what the realtime thread runs are present: the
//! system reads a page of a library only when somebody touches it, and may throw it out again.

const std = @import("std");
const linux = std.os.linux;
const page_bytes = std.heap.page_size_min;

const SymbolInfo = extern struct {
    path: ?[*:0]const u8,
    base: ?*anyopaque,
    symbol: ?[*:0]const u8,
    address: ?*anyopaque,
};

extern "c" fn dladdr(address: *const anyopaque, info: *SymbolInfo) c_int;

/// False where the dynamic linker does not know this library; nothing may be started then.
pub fn stayLoaded() bool {
    // The program of the unit tests is no library, and stays anyway.
    if (@import("builtin").is_test) return true;
    var info: SymbolInfo = undefined;
    if (dladdr(&stayLoaded, &info) == 0) return false;
    const mode: std.c.RTLD = .{ .NOW = true, .NOLOAD = true, .NODELETE = true };
    return std.c.dlopen(info.path, mode) != null;
}

/// Makes every page of the library that `address` lies in present, and locks it where the limit
/// allows it.
pub fn lockPages(address: *const anyopaque) void {
    _ = std.c.dl_iterate_phdr(&lockPagesIfThere, @constCast(address));
}

fn lockPagesIfThere(
    library: *std.c.dl_phdr_info,
    _: usize,
    wanted: ?*anyopaque,
) callconv(.c) c_int {
    const segments = library.phdr[0..library.phnum];
    const address = @intFromPtr(wanted);
    for (segments) |segment| {
        if (segment.type == .LOAD and pagesOf(library, segment).contains(address)) break;
    } else return 0;
    for (segments) |segment| if (segment.type == .LOAD) pagesOf(library, segment).lock();
    return 1;
}

fn pagesOf(library: *const std.c.dl_phdr_info, segment: std.elf.ElfN.Phdr) Pages {
    // The kernel's own library may be linked at an address above the one that it is loaded at.
    const start = library.addr +% segment.vaddr;
    return .{
        .start = std.mem.alignBackward(usize, start, page_bytes),
        .end = std.mem.alignForward(usize, start + segment.memsz, page_bytes),
    };
}

// Of `madvise`, from Linux 5.14 on.
const populate_read = 22;
const populate_write = 23;

const Pages = struct {
    start: usize,
    end: usize,

    fn contains(self: Pages, address: usize) bool {
        return self.start <= address and address < self.end;
    }

    fn lock(self: Pages) void {
        const length = self.end - self.start;
        if (linux.errno(linux.mlock(@ptrFromInt(self.start), length)) == .SUCCESS) return;
        // Over RLIMIT_MEMLOCK. One by one: what is only to be read is among what can be written.
        var page = self.start;
        while (page < self.end) : (page += page_bytes) {
            const bytes: [*]u8 = @ptrFromInt(page);
            const written = linux.madvise(bytes, page_bytes, populate_write);
            if (linux.errno(written) == .SUCCESS) continue;
            _ = linux.madvise(bytes, page_bytes, populate_read);
        }
    }
};
