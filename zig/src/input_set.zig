//! A set of inputs of a mix, into which one thread puts what another takes out.

const std = @import("std");

/// The most inputs that a mix has.
pub const capacity = 256;

pub const InputSet = struct {
    words: [capacity / 64]std.atomic.Value(u64) = @splat(.init(0)),

    pub fn put(self: *InputSet, input: u32) void {
        _ = self.words[input / 64].fetchOr(bitOf(input), .seq_cst);
    }

    /// Empties the set; what is put in meanwhile is for the next time.
    pub fn take(self: *InputSet) Taken {
        var taken: Taken = .{ .words = undefined };
        for (&taken.words, &self.words) |*to, *word| {
            to.* = if (word.load(.seq_cst) == 0) 0 else word.swap(0, .seq_cst);
        }
        return taken;
    }

    fn bitOf(input: u32) u64 {
        return @as(u64, 1) << @intCast(input % 64);
    }
};

pub const Taken = struct {
    words: [capacity / 64]u64,

    pub fn next(self: *Taken) ?u32 {
        for (&self.words, 0..) |*word, index| {
            if (word.* == 0) continue;
            const bit = @ctz(word.*);
            word.* &= word.* - 1;
            return @intCast(index * 64 + bit);
        }
        return null;
    }
};

test "what was put in is taken once, in order" {
    var set: InputSet = .{};
    for ([_]u32{ 255, 3, 64, 3 }) |input| set.put(input);
    var taken = set.take();
    for ([_]u32{ 3, 64, 255 }) |input| try std.testing.expectEqual(input, taken.next());
    try std.testing.expectEqual(null, taken.next());
    var again = set.take();
    try std.testing.expectEqual(null, again.next());
}
