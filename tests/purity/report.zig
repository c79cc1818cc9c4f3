//! The observer's report: what each thread did, as JSON on standard output.

const std = @import("std");
const linux = std.os.linux;
const shared = @import("shared.zig");
const Call = @import("tracee.zig").Call;
const CallSites = @import("call_sites.zig").CallSites;
const Fault = @import("fault_log.zig").Fault;
const Observation = @import("observer.zig").Observation;
const Tracee = @import("tracee.zig").Tracee;

const faults_max = 8;

var buffer: [1 << 20]u8 = undefined;

pub fn print(observation: *const Observation) !void {
    var writer: std.Io.Writer = .fixed(&buffer);
    var json: std.json.Stringify = .{ .writer = &writer };
    try json.beginArray();
    for (observation.tracees, 0..) |*tracee, index| {
        const sites = &observation.sites;
        try printThread(&json, sites, tracee, &observation.board.threads[index]);
    }
    try json.endArray();
    var text = writer.buffered();
    while (text.len > 0) {
        const written = linux.write(1, text.ptr, text.len);
        if (linux.errno(written) != .SUCCESS) return error.NoReader;
        text = text[written..];
    }
}

fn printThread(
    json: *std.json.Stringify,
    sites: *const CallSites,
    tracee: *const Tracee,
    thread: *shared.Thread,
) !void {
    try json.beginObject();
    const before = &tracee.before;
    const after = &tracee.after;
    try field(json, "minorFaults", after.minor_faults - before.minor_faults);
    try field(json, "majorFaults", after.major_faults - before.major_faults);
    try field(json, "voluntarySwitches", after.voluntary_switches - before.voluntary_switches);
    const involuntary = after.involuntary_switches - before.involuntary_switches;
    try field(json, "involuntarySwitches", involuntary);
    try json.objectField("faults");
    try json.beginArray();
    var faults: [faults_max]Fault = undefined;
    for (faults[0..tracee.faults.read(&faults)]) |fault| {
        try printSites(json, sites, &.{ fault.address, fault.instruction });
    }
    try json.endArray();
    try json.objectField("systemCalls");
    try json.beginArray();
    for (tracee.calls[0..tracee.calls_length]) |*call| try printCall(json, sites, call);
    try json.endArray();
    try json.objectField("libraryCalls");
    try json.beginArray();
    for (std.enums.values(shared.Event)) |event| {
        const count = thread.tally(event).count.load(.acquire);
        if (count == 0) continue;
        try json.beginObject();
        try field(json, "name", @tagName(event));
        try field(json, "count", count);
        try printCallers(json, sites, &.{thread.tally(event).caller.load(.acquire)});
        try json.endObject();
    }
    try json.endArray();
    try json.endObject();
}

fn printCall(json: *std.json.Stringify, sites: *const CallSites, call: *const Call) !void {
    try json.beginObject();
    const unnamed = "unknown";
    try field(json, "name", std.enums.tagName(linux.SYS, call.number) orelse unnamed);
    try field(json, "number", @intFromEnum(call.number));
    try field(json, "count", call.count);
    switch (call.facts) {
        .none => {},
        .futex => |futex| {
            try field(json, "address", futex.address);
            try field(json, "operation", futex.operation);
            try field(json, "timed", futex.timed);
        },
        .descriptor => |descriptor| {
            try field(json, "descriptor", descriptor);
            try field(json, "target", call.target());
            try field(json, "nonblocking", call.nonblocking);
        },
        .subject => |subject| try field(json, "subject", subject),
    }
    try printCallers(json, sites, call.callers[0..call.callers_length]);
    try json.endObject();
}

fn printCallers(json: *std.json.Stringify, sites: *const CallSites, callers: []const u64) !void {
    try json.objectField("callers");
    try printSites(json, sites, callers);
}

fn printSites(json: *std.json.Stringify, sites: *const CallSites, addresses: []const u64) !void {
    try json.beginArray();
    for (addresses) |address| {
        var text: [256]u8 = undefined;
        var writer: std.Io.Writer = .fixed(&text);
        try sites.print(&writer, address);
        try json.write(writer.buffered());
    }
    try json.endArray();
}

fn field(json: *std.json.Stringify, name: []const u8, value: anytype) !void {
    try json.objectField(name);
    try json.write(value);
}
