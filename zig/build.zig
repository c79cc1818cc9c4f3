//! Builds the engine's shared library, its unit tests, and the program that reflects the ABI into
//! TypeScript. `npm run build` calls it and puts the results in their places; by hand:
//! `zig build --build-file zig/build.zig lib`.

const std = @import("std");

const library_targets = "x86_64-linux-gnu.2.28 (default) or aarch64-linux-gnu.2.28";

pub fn build(b: *std.Build) void {
    // The glibc version is part of the target: it is the floor that the library runs on.
    const target = b.standardTargetOptions(.{ .default_target = .{
        .cpu_arch = .x86_64,
        .os_tag = .linux,
        .abi = .gnu,
        .glibc_version = .{ .major = 2, .minor = 28, .patch = 0 },
    } });
    const optimize = b.option(
        std.builtin.OptimizeMode,
        "optimize",
        "Optimization (default: ReleaseSafe for the library, Debug for its unit tests)",
    );

    addLibraryStep(b, target, optimize orelse .ReleaseSafe);
    addTestStep(b, optimize orelse .Debug);
    addAbiStep(b);
}

/// `lib`, the default: libhalflap.so in the prefix itself.
fn addLibraryStep(
    b: *std.Build,
    target: std.Build.ResolvedTarget,
    optimize: std.builtin.OptimizeMode,
) void {
    const library = b.addLibrary(.{
        .name = "halflap",
        .linkage = .dynamic,
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/root.zig"),
            .target = target,
            .optimize = optimize,
            .strip = true,
            // libasound is opened at run time: a host without it can load the library.
            .link_libc = true,
        }),
    });
    // A symbol that nothing defines is an error here, not when a user loads the library.
    library.link_z_defs = true;
    // The scripts read the library under its plain name, one folder for each target.
    const install = b.addInstallArtifact(library, .{ .dest_dir = .{ .override = .prefix } });
    const step = b.step("lib", "Build the shared library for -Dtarget=" ++ library_targets);
    step.dependOn(&install.step);
    b.default_step = step;
}

/// `test`: the unit tests, always for the machine that builds.
fn addTestStep(b: *std.Build, optimize: std.builtin.OptimizeMode) void {
    const filters = b.option(
        []const []const u8,
        "test-filter",
        "Run only the tests with this text in their name",
    ) orelse &.{};
    const tests = b.addTest(.{
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/root.zig"),
            .target = b.graph.host,
            .optimize = optimize,
            .link_libc = true,
        }),
        .filters = filters,
    });
    const step = b.step("test", "Run the unit tests");
    step.dependOn(&b.addRunArtifact(tests).step);
}

/// `abi`: the generated TypeScript, to the path after `--` or to standard output.
fn addAbiStep(b: *std.Build) void {
    const generator = b.addExecutable(.{
        .name = "abi_generate",
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/abi_generate.zig"),
            .target = b.graph.host,
            .optimize = .Debug,
            .link_libc = true,
        }),
    });
    const run = b.addRunArtifact(generator);
    if (b.args) |args| run.addArgs(args);
    const step = b.step("abi", "Generate the TypeScript of the ABI: zig build abi -- [PATH]");
    step.dependOn(&run.step);
}
