/** The inspector on files of real kernels: `inspectPcm()` and its like, and `halflap inspect`. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  inspectCards,
  inspectPcm,
  type InspectPcmOptions,
  setXrunDebug,
  type SetXrunDebugOptions,
} from "../mod.ts";
import { AsoundFolder } from "../lib/inspect/asound_folder.ts";
import { inspectCardsIn } from "../lib/inspect/inspect_cards.ts";
import { inspectPcmIn } from "../lib/inspect/inspect_pcm.ts";
import { setXrunDebugIn } from "../lib/inspect/set_xrun_debug.ts";
import { linux61, linux612, sample } from "./asound_samples.ts";
import { eventually, root, test, withCode } from "./harness.ts";
import {
  deno,
  finish,
  type Finished,
  run,
  type RunOptions,
  signal,
  start,
  temporaryFolder,
} from "./programs.ts";

const newer = new AsoundFolder(linux612);
const older = new AsoundFolder(linux61);

/** A folder with a copy of a kernel's files, to be changed. */
async function copyOf(kernel: string): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  cpSync(kernel, folder.path, { recursive: true });
  return folder;
}

const program = path.join(root, "tests/inspect_program.ts");
const runtimeFlags = process.versions.deno === undefined
  ? []
  : ["run", "--no-prompt", "--allow-all", "--no-check"];

function commandLine(folder: string, args: readonly string[]): string[] {
  return [process.execPath, ...runtimeFlags, program, folder, "inspect", ...args];
}

/** The command, after what changes the process it runs in. */
function inspect(
  folder: string,
  args: readonly string[],
  { within = [], ...options }: RunOptions & { readonly within?: readonly string[] } = {},
): Promise<Finished> {
  return run("/usr/bin/env", [...within, ...commandLine(folder, args)], options);
}

async function succeed(folder: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inspect(folder, args);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout;
}

/** What a program that runs has printed so far. */
function collect(child: ChildProcess): { text: string } {
  const collected = { text: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => collected.text += text);
  return collected;
}

const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);

test("a PCM that plays tells its parameters, pointers, level and their meanings", async () => {
  const pcm = await inspectPcmIn(newer, { card: 0, device: 0, direction: "playback" });
  const { substreams: [first, second], ...rest } = pcm;
  assert.deepEqual(rest, {
    name: "hw:0,0",
    card: 0,
    cardId: "Dummy",
    device: 0,
    direction: "playback",
    info: {
      id: "Dummy PCM",
      name: "Dummy PCM",
      deviceClass: 0,
      deviceSubclass: 0,
      substreams: 2,
      substreamsAvailable: 1,
      unknown: [],
    },
    xrunDebug: { mask: 5, flags: ["basic", "jiffies"], unknownBits: 0 },
  });
  assert.equal(first?.state, "running");
  assert.equal(first.hwParams?.bufferFrames, 4096);
  assert.equal(first.swParams?.stopThreshold, first.swParams?.boundary);
  assert.equal(first.status?.applPtr, 129_051);
  assert.equal(first.ring?.filledFrames, 2475);
  assert.equal(first.meanings.stopThreshold, "never stops at an underrun");
  assert.deepEqual(second, {
    substream: 1,
    state: "closed",
    status: undefined,
    hwParams: undefined,
    swParams: undefined,
    ring: undefined,
    meanings: { state: "no program has it open" },
  });
});

test("pointers and avail of real streams agree with what is computed of them", async () => {
  for (const folder of [newer, older]) {
    const { cards } = await inspectCardsIn(folder);
    const substreams = cards.flatMap(({ pcms }) => pcms).flatMap(({ direction, substreams }) =>
      substreams.map((substream) => ({ direction, ...substream }))
    );
    const running = substreams.filter(({ ring }) => ring !== undefined);
    assert.ok(running.length >= 2);
    for (const { direction, status, ring, hwParams } of running) {
      const { hwPtr = NaN, applPtr = NaN, availFrames } = status!;
      const ahead = direction === "playback" ? applPtr - hwPtr : hwPtr - applPtr;
      assert.equal(ring?.filledFrames, ahead);
      const isPlayback = direction === "playback";
      assert.equal(availFrames, isPlayback ? hwParams!.bufferFrames! - ahead : ahead);
    }
  }
});

test("card is found by its id, device and direction have defaults", async () => {
  const { name, direction } = await inspectPcmIn(newer, { card: "Loopback" });
  assert.deepEqual([name, direction], ["hw:1,0", "playback"]);
});

test("one substream can be asked for", async () => {
  const { substreams } = await inspectPcmIn(newer, { card: 0, substream: 1 });
  assert.deepEqual(substreams.map(({ substream }) => substream), [1]);
});

test("a PCM without parameters is open, and has no ring", async () => {
  const { substreams: [first] } = await inspectPcmIn(newer, { card: 1, device: 1 });
  assert.deepEqual([first?.state, first?.hwParams, first?.ring], ["open", undefined, undefined]);
});

test("a kernel that cannot log xruns has no mask", async () => {
  const { xrunDebug } = await inspectPcmIn(older, { card: 0 });
  assert.equal(xrunDebug, undefined);
});

test("all cards are listed with their PCMs, devices and timers", async () => {
  const { driverVersion, cards, devices, timers, unknown } = await inspectCardsIn(newer);
  assert.equal(driverVersion, "k6.12.117");
  assert.deepEqual(cards.map(({ id, pcms }) => [id, ...pcms.map((pcm) => pcm.direction)]), [
    ["Dummy", "playback", "capture"],
    ["Loopback", "playback", "capture", "playback", "capture"],
  ]);
  assert.deepEqual([devices.length, timers.length, unknown], [9, 2, []]);
});

test("options that make no sense are refused before anything is read", async () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    ...[[undefined, "TypeError"], [null, "TypeError"], [{}, "TypeError"]] as const,
    ...[[{ card: true }, "TypeError"], [{ card: "" }, "RangeError"]] as const,
    ...[[{ card: "a\0b" }, "RangeError"], [{ card: -1 }, "RangeError"]] as const,
    ...[[{ card: NaN }, "RangeError"], [{ card: 0, device: 0.5 }, "RangeError"]] as const,
    ...[[{ card: 0, device: "0" }, "TypeError"], [{ card: 0, sub: 1 }, "TypeError"]] as const,
    ...[[{ card: 0, direction: "both" }, "TypeError"]] as const,
    ...[[{ card: 0, substream: -1 }, "RangeError"]] as const,
  ];
  for (const [options, name] of wrong) {
    await assert.rejects(
      inspectPcm(options as InspectPcmOptions),
      { name },
      JSON.stringify(options),
    );
  }
  for (const flags of [undefined, "basic", 1, ["loud"], [1], { length: 1 }]) {
    const options = { card: 0, flags } as SetXrunDebugOptions;
    await assert.rejects(setXrunDebug(options), { name: "TypeError" }, JSON.stringify(flags));
  }
});

test("where there is no such card, device, direction or substream, it is said what there is", async () => {
  const cases: readonly (readonly [AsoundFolder, InspectPcmOptions, RegExp])[] = [
    [newer, { card: 7 }, /no sound card 7; there are 0 "Dummy", 1 "Loopback"$/],
    [newer, { card: "../card0" }, /no sound card "\.\.\/card0"/],
    [newer, { card: 0, device: 3 }, /no hw:0,3 for playback; the card has hw:0,0 for playback, /],
    [newer, { card: 0, substream: 2 }, /hw:0,0 has no substream 2; it has 2,/],
    [older, { card: 4, direction: "capture" }, /the card has hw:4,0 for playback$/],
  ];
  for (const [folder, options, message] of cases) {
    await assert.rejects(inspectPcmIn(folder, options), (error: Error) => {
      withCode("ERR_HALFLAP_DEVICE_NOT_FOUND")(error);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("a kernel without ALSA, or that does not show its PCMs, is said to be one", async () => {
  await using folder = await copyOf(linux612);
  const asound = new AsoundFolder(folder.path);
  for (const card of ["card0", "card1"]) rmSync(path.join(folder.path, card), { recursive: true });
  await assert.rejects(inspectPcmIn(asound, { card: 0 }), (error: Error) => {
    withCode("ERR_HALFLAP_UNSUPPORTED_KERNEL")(error);
    assert.match(error.message, /CONFIG_SND_VERBOSE_PROCFS$/);
    return true;
  });
  const nothing = new AsoundFolder(path.join(folder.path, "nothing"));
  const refusal = withCode("ERR_HALFLAP_UNSUPPORTED_KERNEL");
  await assert.rejects(inspectPcmIn(nothing, { card: 0 }), refusal);
  await assert.rejects(inspectCardsIn(nothing), refusal);
  await assert.rejects(setXrunDebugIn(nothing, { card: 0, flags: [] }), refusal);
});

test("files that go away while a stream is closed or a card unplugged are no error", async () => {
  await using folder = await copyOf(linux612);
  const asound = new AsoundFolder(folder.path);
  const stream = path.join(folder.path, "card0/pcm0p/sub0");
  for (const name of ["sw_params", "hw_params", "status"]) {
    rmSync(path.join(stream, name));
    const { substreams: [first] } = await inspectPcmIn(asound, { card: 0 });
    assert.equal(first?.state, name === "status" ? "closed" : "running");
    assert.equal(first?.swParams, undefined);
  }
  rmSync(path.join(folder.path, "card0"), { recursive: true });
  const { cards } = await inspectCardsIn(asound);
  assert.deepEqual(cards.map(({ pcms }) => pcms.length), [0, 4]);
});

test("a file that cannot be read is an error of the system", async () => {
  await using folder = await copyOf(linux612);
  rmSync(path.join(folder.path, "cards"));
  cpSync(path.join(linux612, "card0"), path.join(folder.path, "cards"), { recursive: true });
  const asound = new AsoundFolder(folder.path);
  await assert.rejects(inspectCardsIn(asound), withCode("ERR_HALFLAP_IO"));
});

test("xrun_debug is set by names and read back", async () => {
  await using folder = await copyOf(linux612);
  const asound = new AsoundFolder(folder.path);
  const address = { card: "Dummy", device: 0, direction: "capture" } as const;
  const taken = await setXrunDebugIn(asound, { ...address, flags: ["stack", "basic", "stack"] });
  assert.deepEqual(taken, { mask: 3, flags: ["basic", "stack"], unknownBits: 0 });
  const { xrunDebug } = await inspectPcmIn(asound, address);
  assert.deepEqual(xrunDebug, taken);
  assert.equal((await setXrunDebugIn(asound, { ...address, flags: [] })).mask, 0);
  assert.equal(sample(folder.path, "card0/pcm0p/xrun_debug"), "5\n");
});

test("xrun_debug that the kernel does not have is not made", async () => {
  await using folder = await copyOf(linux61);
  const asound = new AsoundFolder(folder.path);
  await assert.rejects(setXrunDebugIn(asound, { card: 0, flags: ["basic"] }), (error: Error) => {
    withCode("ERR_HALFLAP_UNSUPPORTED_KERNEL")(error);
    assert.match(error.message, /CONFIG_SND_PCM_XRUN_DEBUG$/);
    return true;
  });
  assert.throws(() => readFileSync(path.join(folder.path, "card0/pcm0p/xrun_debug")));
  const missing = setXrunDebugIn(asound, { card: 0, device: 9, flags: [] });
  await assert.rejects(missing, withCode("ERR_HALFLAP_DEVICE_NOT_FOUND"));
});

test("command lists cards, and who uses them", async () => {
  const text = await succeed(linux612, []);
  assert.match(text, /^ALSA k6\.12\.117 in the kernel\n/);
  assert.match(text, /^0 "Dummy": Dummy, Dummy 1 \(driver Dummy\)$/m);
  assert.match(text, /^ {2}hw:0,0 playback {2}Dummy PCM, 1 of 2 open$/m);
  assert.match(
    text,
    /^ {4}substream 0: running, held by bun \(49\), .* 60 % full, dry in 51\.6 ms$/m,
  );
  assert.match(text, /^timer G0: .*, used by application 43 \(stopped\)$/m);
  assert.deepEqual(
    JSON.parse(await succeed(linux612, ["--json"])),
    JSON.parse(JSON.stringify(await inspectCardsIn(newer))),
  );
});

test("command shows one PCM in depth, in both directions or in one", async () => {
  const text = await succeed(linux612, ["hw:Dummy,0"]);
  assert.match(
    text,
    /^hw:0,0 playback: Dummy PCM, card "Dummy"\n {2}xrun_debug 5: basic, jiffies$/m,
  );
  assert.match(text, /^ {4}stop_threshold {3}boundary: never stops at an underrun$/m);
  assert.match(text, /^ {4}boundary {9}4611686018427387904 frames: /m);
  assert.match(text, /^hw:0,0 capture: /m);
  const capture = await succeed(linux612, ["hw:0,0", "--direction", "capture"]);
  assert.match(capture, /^hw:0,0 capture: /);
  const both = JSON.parse(await succeed(linux612, ["hw:0", "--json"]));
  const expected = [await inspectPcmIn(newer, { card: 0 })];
  expected.push(await inspectPcmIn(newer, { card: 0, direction: "capture" }));
  assert.deepEqual(both, JSON.parse(JSON.stringify(expected)));
  const one = JSON.parse(await succeed(linux612, ["hw:0,0,1", "--json"]));
  assert.deepEqual(one[0].substreams.map((found: { substream: number }) => found.substream), [1]);
});

test("control characters in names do not reach the terminal", async () => {
  await using folder = await copyOf(linux612);
  for (const file of ["cards", "card0/pcm0p/info", "card0/pcm0p/sub0/status"]) {
    const text = sample(folder.path, file).replaceAll("Dummy", "Du\x1b[31m\x07");
    writeFileSync(path.join(folder.path, file), `\0new: \x1b]0;x\x9b\n${text}`);
  }
  for (const args of [[], ["hw:0,0"]]) {
    const text = await succeed(folder.path, args);
    // deno-lint-ignore no-control-regex -- Control characters are what it is about.
    assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    assert.ok(text.includes("Du\\x1b[31m\\x07"));
    assert.ok(text.includes("unknown"));
  }
});

test("command sets xrun_debug of both directions, and shows it", async () => {
  await using folder = await copyOf(linux612);
  const text = await succeed(folder.path, ["hw:0,0", "--xrun-debug", "basic,stack"]);
  assert.equal(text.match(/^ {2}xrun_debug 3: basic, stack$/gm)?.length, 2);
  await succeed(folder.path, ["hw:0,0", "--xrun-debug", "none", "--direction", "playback"]);
  assert.equal(sample(folder.path, "card0/pcm0p/xrun_debug"), "0\n");
  assert.equal(sample(folder.path, "card0/pcm0c/xrun_debug"), "3\n");
});

test("command without permission of the system says that root has it", async () => {
  await using folder = await copyOf(linux612);
  // Root may read and write everything by these two capabilities alone.
  const within = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
  chmodSync(path.join(folder.path, "card0/pcm0p/xrun_debug"), 0o444);
  const set = await inspect(folder.path, ["hw:0,0", "--xrun-debug", "basic"], { within });
  assert.deepEqual([set.code, set.stdout], [1, ""]);
  assert.match(set.stderr, /^Cannot write ".*xrun_debug": .*; only root may write there/);
  chmodSync(path.join(folder.path, "cards"), 0);
  const read = await inspect(folder.path, [], { within });
  assert.deepEqual([read.code, read.stdout], [1, ""]);
  assert.match(read.stderr, /^Cannot read ".*cards": .*; run as root\n$/);
});

test("command that fails says why and ends with 1", async () => {
  for (const args of [[], ["hw:0,0"]]) {
    const { code, stdout, stderr } = await inspect(path.join(linux612, "nothing"), args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^There is no ".*\/cards": this kernel has no ALSA; .*\n$/);
  }
  const { code, stderr } = await inspect(linux612, ["hw:9,0"]);
  assert.equal(code, 1);
  assert.match(stderr, /^There is no sound card 9; /);
});

test("arguments that make no sense end with exit code 2", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["default"], /^"PCM" must be like "hw:0,0" or .*: it is "default"\n/],
    [["hw:0,0", "hw:1,0"], /^Unexpected argument "hw:1,0"\n/],
    [["--direction", "capture"], /^"--direction" needs a PCM\n/],
    [["--xrun-debug", "basic"], /^"--xrun-debug" needs a PCM\n/],
    [["hw:0,0", "--direction", "both"], /^"--direction" must be one of "playback", "capture"/],
    [["hw:0,0", "--xrun-debug", "basic,loud"], /^"--xrun-debug" must be one of "basic", .*"loud"/],
    [["hw:0,0", "--xrun-debug", "none,basic"], /^"--xrun-debug" must be one of/],
    [["--interval", "100"], /^"--interval" needs "--watch"\n/],
    [["--watch", "--interval", "19"], /^"--interval" must be an integer from 20 to 3600000/],
    [["--loud"], /^Unknown option "--loud"\n/],
    [["--json=1"], /^"--json" takes no value/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await inspect(linux612, args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
    assert.match(stderr, /\nSee: halflap inspect --help\n$/);
  }
});

test("watched PCM is shown again as it changes, until Ctrl-C", async () => {
  await using folder = await copyOf(linux612);
  const args = ["hw:0,0", "--direction", "playback", "--watch", "--interval", "20", "--json"];
  const [command, ...rest] = commandLine(folder.path, args);
  const child = start(command!, rest);
  const printed = collect(child);
  const finished = finish(child);
  const levels = (): number[] =>
    linesOf(printed.text).map((line) => JSON.parse(line)[0].substreams[0].ring.filledFrames);
  await eventually("Two looks", () => levels().length >= 2);
  const file = path.join(folder.path, "card0/pcm0p/sub0/status");
  writeFileSync(file, sample(linux612, "card0/pcm0p/sub0/status").replace("1621", "1622"));
  await eventually("A change", () => levels().at(-1) === 2474);
  assert.equal(levels()[0], 2475);
  signal(child, "SIGINT");
  const { code, stderr } = await finished;
  assert.deepEqual([code, stderr], [130, ""]);
});

test("watching ends with an error when the card goes away", async () => {
  await using folder = await copyOf(linux612);
  const [command, ...rest] = commandLine(folder.path, ["hw:0,0", "--watch", "--interval", "20"]);
  const child = start(command!, rest);
  const printed = collect(child);
  const finished = finish(child);
  await eventually("A look", () => printed.text.includes("hw:0,0 playback"));
  writeFileSync(path.join(folder.path, "cards"), "--- no soundcards ---\n");
  const { code, stderr } = await finished;
  assert.equal(code, 1);
  assert.match(stderr, /^There is no sound card 0; there is none at all\n$/);
});

test("watching ends when nobody reads any more", async () => {
  const watching = commandLine(linux612, ["--watch", "--interval", "20", "--json"]);
  const script = `"$@" | head -n 2; echo "\${PIPESTATUS[0]}"`;
  const { code, stdout, stderr } = await run("bash", ["-c", script, "bash", ...watching]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(linesOf(stdout).length, 3);
  assert.equal(linesOf(stdout)[2], "0");
});

test("a terminal shows each look in the place of the last, and Ctrl-C ends it", async () => {
  const quoted = commandLine(linux612, ["--watch", "--interval", "20"]).map((part) => `'${part}'`);
  const child = start("script", ["-qec", quoted.join(" "), "/dev/null"], { input: null });
  const printed = collect(child);
  const finished = finish(child);
  await eventually("Three looks", () => printed.text.split("\x1b[H").length > 3);
  child.stdin!.write("\x03");
  const { code } = await finished;
  child.stdin!.end();
  assert.equal(code, 130);
  const [cleared, first, second] = printed.text.split("\x1b[H");
  assert.equal(cleared, "\x1b[2J");
  assert.equal(second, first);
  assert.ok(first!.endsWith("\x1b[K\r\n\x1b[J"));
});

test("what Deno does not permit is said with the flag that permits it", async () => {
  const main = path.join(root, "lib/cli/main.ts");
  for (const permissions of [["--deny-net"], ["--allow-read", "--allow-write"]]) {
    for (const args of [[], ["hw:0,0"], ["hw:0,0", "--xrun-debug", "none"]]) {
      const flags = ["run", "--no-prompt", "--no-check", ...permissions, main, "inspect"];
      // By "env": what Deno starts itself with gets its own permissions.
      const { code, stdout, stderr } = await run("/usr/bin/env", [deno, ...flags, ...args]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^Deno does not permit to read "\/proc\/asound\/cards"; .*--allow-all/);
    }
  }
});

test("public functions look at the kernel of this machine", async () => {
  // Whatever it has, the answer is cards or a reason, and never another error.
  const reasons = ["ERR_HALFLAP_UNSUPPORTED_KERNEL", "ERR_HALFLAP_PERMISSION_DENIED"];
  const outcome = await inspectCards().then(
    ({ cards }) => Array.isArray(cards),
    (error) => reasons.includes(error.code),
  );
  assert.ok(outcome);
});
