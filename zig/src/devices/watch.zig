//! Watches /dev/snd for devices that come and go, and for permissions that come after them, by
//! inotify. What has changed is not told, only that something may have: who watches lists the
//! devices again. So an event more, or one that stands for many, does no harm.

const std = @import("std");
const linux = std.os.linux;
const abi = @import("../abi.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const realm_module = @import("../realm.zig");
const threads = @import("../threads.zig");
const Notice = realm_module.Notice;
const Realm = realm_module.Realm;

const IN = linux.IN;

/// Where the devices are: a folder that may come later than whoever watches.
pub const Place = struct {
    parent: [:0]const u8 = "/dev",
    name: [:0]const u8 = "snd",
    path: [:0]const u8 = "/dev/snd",
};

pub const OpenError = error{
    OutOfMemory,
    TooManyHandles,
    ThreadUnavailable,
    Retired,
    /// The system has no more descriptors or inotify instances, or refuses to watch.
    Refused,
};

pub const Watch = struct {
    realm: *Realm,
    place: Place,
    notice: Notice = .{},
    inotify: i32,
    /// An eventfd that ends the thread.
    ending: i32,
    thread: std.Thread = undefined,
    /// The watch on the folder itself, while it is there.
    folder: ?i32 = null,
    parent: i32 = -1,

    /// Its handle. From here on every change is told.
    pub fn open(realm: *Realm, place: Place) OpenError!u32 {
        const self = try engine.allocator.create(Watch);
        errdefer engine.allocator.destroy(self);
        const inotify = try descriptorOf(linux.inotify_init1(IN.NONBLOCK | IN.CLOEXEC));
        errdefer closeDescriptor(inotify);
        const ending = try descriptorOf(linux.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK));
        errdefer closeDescriptor(ending);
        self.* = .{ .realm = realm, .place = place, .inotify = inotify, .ending = ending };
        const mask = IN.CREATE | IN.MOVED_TO | IN.ONLYDIR;
        self.parent = watchFolder(inotify, place.parent, mask) orelse return error.Refused;
        self.findFolder();
        self.notice.handle = try handles.add(Watch, self);
        const handle = self.notice.handle;
        errdefer {
            _ = handles.pin(Watch, handle);
            _ = handles.remove(handle);
        }
        try realm.addNotice();
        errdefer realm.removeNotice(&self.notice);
        self.thread = try threads.spawn(run, .{self});
        return handle;
    }

    /// Nothing is left of it on return. The caller has pinned the watch. False: another call is
    /// closing it, and the caller still has its pin.
    pub fn close(self: *Watch) bool {
        if (!handles.remove(self.notice.handle)) return false;
        const one: u64 = 1;
        _ = linux.write(self.ending, std.mem.asBytes(&one), @sizeOf(u64));
        // It waits for nothing else.
        self.thread.join();
        self.realm.removeNotice(&self.notice);
        closeDescriptor(self.ending);
        closeDescriptor(self.inotify);
        engine.allocator.destroy(self);
        return true;
    }

    fn run(self: *Watch) void {
        threads.enter("halflap-watch");
        defer threads.leave();
        const POLL = linux.POLL;
        var waited = [_]linux.pollfd{
            .{ .fd = self.ending, .events = POLL.IN, .revents = 0 },
            .{ .fd = self.inotify, .events = POLL.IN, .revents = 0 },
        };
        while (true) {
            _ = linux.poll(&waited, waited.len, -1);
            if (waited[0].revents != 0) return;
            if (!self.readEvents()) continue;
            self.realm.notifyOf(&self.notice, @intFromEnum(abi.DeviceEvent.changed));
        }
    }

    /// Whether there was one that matters.
    fn readEvents(self: *Watch) bool {
        var buffer: [4096]u8 align(@alignOf(linux.inotify_event)) = undefined;
        const result = linux.read(self.inotify, &buffer, buffer.len);
        if (linux.errno(result) != .SUCCESS) return false;
        var matters = false;
        var offset: usize = 0;
        while (offset < result) {
            const event: *const linux.inotify_event = @ptrCast(@alignCast(&buffer[offset]));
            offset += @sizeOf(linux.inotify_event) + event.len;
            if (self.take(event)) matters = true;
        }
        return matters;
    }

    fn take(self: *Watch, event: *const linux.inotify_event) bool {
        if (event.mask & IN.Q_OVERFLOW != 0) return true;
        const name = event.getName() orelse "";
        if (event.wd == self.parent) {
            if (!std.mem.eql(u8, name, self.place.name)) return false;
            self.findFolder();
            return true;
        }
        if (event.wd != self.folder) return false;
        if (event.mask & IN.IGNORED != 0) {
            // The folder is gone. Another one may have come before this was read.
            self.folder = null;
            self.findFolder();
            return true;
        }
        return std.mem.startsWith(u8, name, "pcm") or std.mem.startsWith(u8, name, "control");
    }

    fn findFolder(self: *Watch) void {
        const mask = IN.CREATE | IN.DELETE | IN.ATTRIB | IN.MOVED_FROM | IN.MOVED_TO | IN.ONLYDIR;
        self.folder = watchFolder(self.inotify, self.place.path, mask);
    }
};

fn watchFolder(inotify: i32, path: [:0]const u8, mask: u32) ?i32 {
    const result = linux.inotify_add_watch(inotify, path, mask);
    return if (linux.errno(result) == .SUCCESS) @intCast(result) else null;
}

fn descriptorOf(result: usize) error{Refused}!i32 {
    if (linux.errno(result) != .SUCCESS) return error.Refused;
    _ = realm_module.descriptor_count.fetchAdd(1, .monotonic);
    return @intCast(result);
}

fn closeDescriptor(descriptor: i32) void {
    _ = linux.close(descriptor);
    _ = realm_module.descriptor_count.fetchSub(1, .monotonic);
}

const testing = std.testing;

/// The next events of a watch, or 0 where none come.
fn nextEvents(realm: *Realm) !u32 {
    var pairs: [1][2]u32 = undefined;
    // An earlier ring may end a wait.
    for (0..10) |_| {
        if (realm.fetch(&pairs) > 0) return pairs[0][1];
        _ = try realm.wait(realm_module.wait_max_ms);
    }
    return 0;
}

fn closeByHandle(handle: u32) void {
    std.debug.assert(handles.pin(Watch, handle).?.close());
}

test "nodes that come, change their permissions and go are told, others are not" {
    var temporary = testing.tmpDir(.{});
    defer temporary.cleanup();
    const io = testing.io;
    var parent_buffer: [std.fs.max_path_bytes]u8 = undefined;
    const length = try temporary.dir.realPath(io, parent_buffer[0 .. parent_buffer.len - 1]);
    parent_buffer[length] = 0;
    const parent = parent_buffer[0..length :0];
    var path_buffer: [std.fs.max_path_bytes]u8 = undefined;
    const path = try std.fmt.bufPrintZ(&path_buffer, "{s}/snd", .{parent});

    var realm: Realm = .{};
    const handle = try Watch.open(&realm, .{ .parent = parent, .path = path });
    defer closeByHandle(handle);
    const changed = @intFromEnum(abi.DeviceEvent.changed);
    for (0..2) |_| {
        // The folder comes after who watches, and again.
        try temporary.dir.createDir(io, "snd", .default_dir);
        try testing.expectEqual(changed, try nextEvents(&realm));
        const folder = try temporary.dir.openDir(io, "snd", .{});
        (try folder.createFile(io, "seq", .{})).close(io);
        (try folder.createFile(io, "pcmC0D0p", .{})).close(io);
        try testing.expectEqual(changed, try nextEvents(&realm));
        try folder.deleteFile(io, "seq");
        var node_buffer: [std.fs.max_path_bytes]u8 = undefined;
        const node = try std.fmt.bufPrintZ(&node_buffer, "{s}/pcmC0D0p", .{path});
        try testing.expectEqual(.SUCCESS, linux.errno(linux.chmod(node, 0o600)));
        try testing.expectEqual(changed, try nextEvents(&realm));
        try folder.deleteFile(io, "pcmC0D0p");
        try testing.expectEqual(changed, try nextEvents(&realm));
        folder.close(io);
        try temporary.dir.deleteDir(io, "snd");
        try testing.expectEqual(changed, try nextEvents(&realm));
    }
}
