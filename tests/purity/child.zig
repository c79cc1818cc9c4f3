//! The observed program: started with its standard input and output in the observer's hand.

const std = @import("std");
const linux = std.os.linux;

pub const Child = struct {
    pid: i32,
    input: i32,
    output: i32,
    text: [4096]u8 = undefined,
    length: usize = 0,

    pub fn start(
        command: [:null]const ?[*:0]const u8,
        environment: [*:null]const ?[*:0]const u8,
    ) !Child {
        var input: [2]i32 = undefined;
        var output: [2]i32 = undefined;
        for ([_]*[2]i32{ &input, &output }) |pipe| {
            if (linux.errno(linux.pipe2(pipe, .{ .CLOEXEC = true })) != .SUCCESS) {
                return error.NoDescriptors;
            }
        }
        const forked = linux.fork();
        if (linux.errno(forked) != .SUCCESS) return error.NoProcess;
        if (forked == 0) {
            // Whatever ends the observer ends it too.
            const end = @intFromEnum(linux.SIG.KILL);
            _ = linux.prctl(@intFromEnum(linux.PR.SET_PDEATHSIG), end, 0, 0, 0);
            _ = linux.dup2(input[0], 0);
            _ = linux.dup2(output[1], 1);
            _ = linux.execve(command[0].?, command, environment);
            linux.exit(127);
        }
        _ = linux.close(input[0]);
        _ = linux.close(output[1]);
        return .{ .pid = @intCast(forked), .input = input[1], .output = output[0] };
    }

    pub fn say(self: *Child, text: []const u8) void {
        _ = linux.write(self.input, text.ptr, text.len);
    }

    /// Waits for output; true when it is the line `awaited`. Other lines are an error.
    pub fn read(self: *Child, awaited: []const u8) !bool {
        const rest = self.text[self.length..];
        const got = linux.read(self.output, rest.ptr, rest.len);
        if (linux.errno(got) == .INTR) return false;
        if (linux.errno(got) != .SUCCESS or got == 0) return error.ProgramEnded;
        self.length += got;
        const said = self.text[0..self.length];
        if (said[said.len - 1] != '\n') return false;
        self.length = 0;
        if (std.mem.eql(u8, said[0 .. said.len - 1], awaited)) return true;
        std.debug.print("It says: {s}", .{said});
        return error.UnexpectedOutput;
    }

    /// Lets the program end, which it must do in order.
    pub fn finish(self: *Child) !void {
        _ = linux.close(self.input);
        var status: u32 = 0;
        while (linux.errno(linux.waitpid(self.pid, &status, 0)) == .INTR) {}
        if (status != 0) return error.ProgramFailed;
    }
};
