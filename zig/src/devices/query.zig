//! A question about devices: JavaScript asks, one of the janitor's threads answers, and the realm's
//! doorbell says that the answer is there.

const std = @import("std");
const alsa = @import("../alsa/libasound.zig");
const engine = @import("../engine.zig");
const failure_module = @import("../failure.zig");
const handles = @import("../handles.zig");
const noise = @import("../alsa/noise.zig");
const owner_watch = @import("../owner_watch.zig");
const sync = @import("../sync.zig");
const abi = @import("../abi.zig");
const Answer = @import("answer.zig").Answer;
const Failure = failure_module.Failure;
const Janitor = @import("../janitor.zig").Janitor;
const Listing = @import("listing.zig").Listing;
const Notice = @import("../realm.zig").Notice;
const Probe = @import("probe.zig").Probe;
const Realm = @import("../realm.zig").Realm;
const device_bytes_max = @import("../stream.zig").device_bytes_max;

pub const Question = union(enum) {
    list: List,
    pcm: Pcm,

    pub const List = struct {
        /// Names of the configuration, too.
        configuration: bool,
        /// Ask the hardware what it can do.
        probe: bool,
    };

    pub const Pcm = struct {
        direction: alsa.Stream,
        name_buffer: [device_bytes_max:0]u8 = @splat(0),

        fn name(self: *const Pcm) [:0]const u8 {
            return std.mem.sliceTo(&self.name_buffer, 0);
        }
    };
};

pub const OpenError = error{ OutOfMemory, TooManyHandles, ThreadUnavailable, Retired };

pub const Query = struct {
    realm: *Realm,
    question: Question,
    notice: Notice = .{},
    task: Janitor.Task = .{ .run = run },
    arena: std.heap.ArenaAllocator,
    /// Guards `state`.
    control: sync.Mutex = .{},
    state: State = .asked,
    // Constant once answered.
    answers: std.ArrayList(Answer) = .empty,
    failure: Failure = .{},

    const State = enum { asked, answered, abandoned };

    /// Its handle.
    pub fn open(realm: *Realm, question: Question) OpenError!u32 {
        const self = try engine.allocator.create(Query);
        errdefer engine.allocator.destroy(self);
        self.* = .{ .realm = realm, .question = question, .arena = .init(engine.allocator) };
        self.notice.handle = try handles.add(Query, self);
        const handle = self.notice.handle;
        errdefer {
            _ = handles.pin(Query, handle);
            _ = handles.remove(handle);
        }
        // Counted before a janitor is looked for: one that is about to leave stays.
        engine.janitor.keep(owner_watch.intervalMs());
        errdefer engine.janitor.letGo();
        try engine.janitor.staff();
        try realm.addNotice();
        engine.janitor.submit(&self.task);
        return handle;
    }

    /// Whether the answers can be read. The caller has pinned the query.
    pub fn isAnswered(self: *Query) bool {
        self.control.lock();
        defer self.control.unlock();
        return self.state == .answered;
    }

    /// Nobody wants to know any more. The caller has pinned the query. False: another call is
    /// closing it, and the caller still has its pin.
    pub fn close(self: *Query) bool {
        if (!handles.remove(self.notice.handle)) return false;
        self.control.lock();
        const is_answered = self.state == .answered;
        if (!is_answered) self.state = .abandoned;
        self.realm.removeNotice(&self.notice);
        self.control.unlock();
        if (!is_answered) return true;
        self.destroy();
        engine.janitor.letGo();
        return true;
    }

    fn destroy(self: *Query) void {
        self.arena.deinit();
        engine.allocator.destroy(self);
    }

    fn run(task: *Janitor.Task) void {
        const self: *Query = @alignCast(@fieldParentPtr("task", task));
        self.answer() catch |err| switch (err) {
            error.OutOfMemory => self.failure.set(.out_of_memory, "Not enough memory", .{}),
        };
        self.control.lock();
        const is_wanted = self.state == .asked;
        if (is_wanted) {
            self.state = .answered;
            // Under the lock: the realm lives until `close` has got it.
            self.realm.notifyOf(&self.notice, @intFromEnum(abi.DeviceEvent.answered));
        }
        self.control.unlock();
        if (is_wanted) return;
        self.destroy();
        engine.janitor.letGo();
    }

    fn answer(self: *Query) std.mem.Allocator.Error!void {
        const asound = alsa.load() catch |err| {
            const text = alsa.failureText();
            return self.failure.set(failure_module.codeOfLoad(err), "{s}", .{text});
        };
        noise.capture(asound);
        const arena = self.arena.allocator();
        switch (self.question) {
            .list => |wanted| {
                var listing: Listing = .{
                    .asound = asound,
                    .arena = arena,
                    .answers = &self.answers,
                    .probe = wanted.probe,
                };
                try listing.run(wanted.configuration);
            },
            .pcm => |*wanted| {
                const only = try self.answers.addOne(arena);
                only.* = .{ .device = std.mem.zeroes(abi.Device) };
                const probe: Probe = .{
                    .asound = asound,
                    .arena = arena,
                    .name = wanted.name(),
                    .direction = wanted.direction,
                    .answer = only,
                    .failure = &self.failure,
                };
                try probe.run();
            },
        }
    }
};
