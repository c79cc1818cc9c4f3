/**
 * The write threads allocate nothing, touch no page that is not there, wait for no lock, share none
 * with other threads, log nothing, and make no system call but those of a short list. Programs are
 * observed while they play; controls, which do each of these things, must be found out.
 */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { accesses, test } from "./harness.ts";
import { temporaryFolder } from "./programs.ts";
import { build, observe } from "./purity/observe.ts";
import {
  type ObservedThread,
  sleepsOf,
  type Violation,
  type ViolationKind,
  violationsOf,
} from "./purity/violations.ts";

await build();

interface Program {
  readonly file: string;
  /** How often the write thread is woken at least, or else it was not what was observed. */
  readonly sleeps: number;
  readonly devices: readonly ("card" | "null")[];
}

const programs: Readonly<Record<string, Program>> = {
  "streams start": { file: "starts.ts", sleeps: 5, devices: ["card", "null"] },
  "sources play and gains ramp": { file: "sources.ts", sleeps: 25, devices: ["card", "null"] },
  "streams pause, resume, drain and drop": {
    file: "commands.ts",
    sleeps: 10,
    devices: ["card", "null"],
  },
  "the inputs of a mix come and go": {
    file: "mixes.ts",
    sleeps: 25,
    devices: ["card", "null"],
  },
  "streams come and go": { file: "members.ts", sleeps: 10, devices: ["card", "null"] },
  "JavaScript renders": { file: "render.ts", sleeps: 5, devices: ["card", "null"] },
  "a queue runs dry": { file: "xruns.ts", sleeps: 10, devices: ["card", "null"] },
  "a card misbehaves": { file: "faults.ts", sleeps: 20, devices: ["card"] },
};

const textOf = (violations: readonly Violation[]): string =>
  violations.map(({ kind, text }) => `${kind}: ${text}`).join("\n");

function describe(thread: ObservedThread): string {
  const { voluntarySwitches, involuntarySwitches } = thread;
  const switches = `${voluntarySwitches} voluntary, ${involuntarySwitches} involuntary`;
  return `${textOf(violationsOf(thread))}\ncontext switches: ${switches}`;
}

for (const [what, { file, sleeps, devices }] of Object.entries(programs)) {
  for (const device of devices) {
    for (const access of accesses) {
      test(`the write thread is pure while ${what}: ${device}, ${access}`, async () => {
        const threads = await observe(file, [device, access]);
        assert.equal(threads.length, 1, "The streams are not in one group");
        const [thread] = threads;
        assert.ok(thread);
        assert.deepEqual(violationsOf(thread), [], describe(thread));
        assert.ok(sleepsOf(thread) >= sleeps, `It was woken ${sleepsOf(thread)} times`);
      });
    }
  }
}

/** Observes a stream on a PCM of an ALSA configuration, where exactly these kinds must be found. */
async function assertFound(
  kinds: readonly ViolationKind[],
  pcm: string,
  configuration: string,
): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "asound.conf");
  writeFileSync(file, configuration);
  const threads = await observe("control.ts", [pcm], { ALSA_CONFIG_PATH: file });
  const violations = threads.flatMap(violationsOf);
  const found = new Set(violations.map(({ kind }) => kind));
  assert.deepEqual([...found].toSorted(), kinds, textOf(violations));
}

const misdeeds: Readonly<Record<string, readonly ViolationKind[]>> = {
  impure_nothing: [],
  impure_malloc: ["allocation"],
  impure_page: ["page fault"],
  impure_contended_mutex: ["contended lock", "shared lock"],
  impure_contended_futex: ["contended lock"],
  impure_shared_mutex: ["shared lock"],
  impure_log: ["log"],
  impure_sleep: ["system call"],
};

for (const [pcm, kinds] of Object.entries(misdeeds)) {
  test(`the observer finds what a plug-in does to the write thread: ${pcm}`, async () => {
    const { impurePcm } = await build();
    const configuration = `pcm_type.impure.lib "${impurePcm}"\npcm.${pcm} { type impure }\n`;
    await assertFound(kinds, pcm, configuration);
  });
}

test("the observer finds that ALSA's file plug-in writes to the disk", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "played.raw");
  const fields = `slave.pcm { type null } file "${file}" format raw`;
  await assertFound(["system call"], "disk", `pcm.disk { type file ${fields} }\n`);
  assert.ok(statSync(file).size > 0);
});

test("the observer finds that a fault of the card makes the engine sleep in a fill", async () => {
  const threads = await observe("preempted_fill.ts", []);
  const violations = threads.flatMap(violationsOf);
  assert.deepEqual(violations.map(({ kind }) => kind), ["system call"]);
  assert.match(violations[0]!.text, /^1 x nanosleep /);
});
