//! Records as they cross the ABI: structs of f64 seen by JavaScript as one Float64Array.

const std = @import("std");
const abi = @import("abi.zig");

pub const Error = error{InvalidArgument};

/// Copies a record out to JavaScript; the length must be exactly the record's.
pub fn write(comptime Record: type, out: ?[*]u8, length: u32, record: Record) Error!void {
    if (length != lengthOf(Record)) return error.InvalidArgument;
    const to = out orelse return error.InvalidArgument;
    @memcpy(to[0..@sizeOf(Record)], std.mem.asBytes(&record));
}

pub fn read(comptime Record: type, in: ?[*]const u8, length: u32) Error!Record {
    if (length != lengthOf(Record)) return error.InvalidArgument;
    const from = in orelse return error.InvalidArgument;
    var record: Record = undefined;
    @memcpy(std.mem.asBytes(&record), from[0..@sizeOf(Record)]);
    return record;
}

pub fn lengthOf(comptime Record: type) comptime_int {
    return @typeInfo(Record).@"struct".fields.len;
}

/// A whole number in a range.
pub fn integer(comptime Int: type, value: f64, min: Int, max: Int) Error!Int {
    const low: f64 = @floatFromInt(min);
    const high: f64 = @floatFromInt(max);
    if (!(value >= low and value <= high) or value != @trunc(value)) return error.InvalidArgument;
    return @intFromFloat(value);
}

/// 0 stands for "not given".
pub fn optional(comptime Int: type, value: f64, min: Int, max: Int) Error!?Int {
    return if (value == 0) null else try integer(Int, value, min, max);
}

pub fn real(value: f64, min: f64, max: f64) Error!f64 {
    return if (value >= min and value <= max) value else error.InvalidArgument;
}

pub fn boolean(value: f64) Error!bool {
    return try integer(u1, value, 0, 1) == 1;
}

pub fn enumeration(comptime Enum: type, value: f64) Error!Enum {
    const fields = @typeInfo(Enum).@"enum".fields;
    return @enumFromInt(try integer(u32, value, 0, fields.len - 1));
}

test "numbers outside their range, fractions and NaN are refused" {
    try std.testing.expectEqual(5, try integer(u32, 5, 0, 5));
    for ([_]f64{ -1, 6, 1.5, std.math.nan(f64), std.math.inf(f64) }) |value| {
        try std.testing.expectError(error.InvalidArgument, integer(u32, value, 0, 5));
    }
    try std.testing.expectEqual(null, try optional(u32, 0, 16, 99));
    try std.testing.expectError(error.InvalidArgument, optional(u32, 15, 16, 99));
    try std.testing.expectEqual(abi.Access.write, try enumeration(abi.Access, 2));
    try std.testing.expectError(error.InvalidArgument, enumeration(abi.Access, 3));
}
