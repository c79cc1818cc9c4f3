/**
 * Ten thousand random schedules of faults in each runtime. Whatever happens, every frame is heard, or
 * told as lost; between them is what the policy says, for as long as the xruns tell; an xrun has the
 * cause of a fault that was put in; nothing spins; and the streams beside it play on.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { VirtualCard } from "../lib/testing/mod.ts";
import { clip, openPlayback, type Playback, type XrunCause, type XrunPolicy } from "../mod.ts";
import { Observed } from "./faults/observed_stream.ts";
import { Producer, queueFramesFor, type Stage } from "./faults/producer.ts";
import { bufferOf, openSetup, type Setup } from "./faults/random_setup.ts";
import {
  causeOf,
  isLoss,
  isOfThread,
  losesRing,
  type Schedule,
  schedules,
} from "./faults/schedule.ts";
import { policies } from "./faults/sizes.ts";
import { walkTap } from "./faults/tap_walk.ts";
import { accesses, countingSamples, test, withCode } from "./harness.ts";
import { replay, runs } from "./seed.ts";

const partsPerPath = 4;
const schedulesPerPart = 420;
const neighbourFrames = 20_000;

interface Neighbour {
  readonly out: Playback;
  readonly observed: Observed;
}

async function openNeighbour(
  stage: Omit<Stage, "out">,
  access: "mmap" | "write",
): Promise<Playback> {
  const { rate, periodFrames, periods } = stage.setup;
  const sizes = { format: "s32", channels: 1, rate, periodFrames, periods } as const;
  const source = clip(countingSamples(neighbourFrames));
  return await openPlayback({ ...sizes, access, source, device: stage.card.device });
}

async function playSchedule(
  { setup, neighbours, steps }: Schedule,
  policy: XrunPolicy,
  access: "mmap" | "write",
): Promise<void> {
  await using card = await openSetup(setup);
  await using streams = new AsyncDisposableStack();
  const { rate, periodFrames, periods } = setup;
  const sizes = { format: "s32", channels: 1, rate, periodFrames, periods } as const;
  const queueFrames = queueFramesFor(setup);
  const options = { ...sizes, queueFrames, access, xrunPolicy: policy, device: card.device };
  const out = streams.use(await openPlayback(options));
  const observed = new Observed(out);
  const others: Neighbour[] = [];
  for (let index = 0; index < neighbours; index++) {
    const other = streams.use(await openNeighbour({ card, setup }, accesses[index % 2]!));
    others.push({ out: other, observed: new Observed(other) });
    await card.advance(17);
  }
  const producer = new Producer({ card, setup, out });
  await producer.run({ kind: "play", buffers: 0.5 });
  for (const step of steps) await producer.run(step);
  if (producer.faults.some(isLoss)) {
    await card.advance(Math.ceil(0.4 * rate) + 8 * bufferOf(setup));
    await assertLost(out);
  } else {
    await producer.finish();
    assertAccounted({ card, setup, out }, producer, observed);
  }
  assertHeard({ card, setup, out }, observed, producer);
  assertCauses(observed, producer);
  others.forEach((other, index) => assertUndisturbed(card, setup, other, index + 1, producer));
}

/** A device that is gone is told as soon as it is looked at. */
async function assertLost(out: Playback): Promise<void> {
  assert.ok(out.state === "disconnected" || out.state === "closed", out.state);
  await assert.rejects(out.closed, withCode("ERR_HALFLAP_DEVICE_LOST"));
}

function assertAccounted({ setup, out }: Stage, producer: Producer, observed: Observed): void {
  const stats = out.stats();
  assert.equal(stats.framesAccepted, producer.givenFrames);
  assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
  const rings = producer.faults.filter(losesRing).length;
  assert.ok(stats.framesDropped <= rings * bufferOf(setup), `${stats.framesDropped} dropped`);
  assert.equal(stats.xruns.count, observed.begun.length);
  assert.equal(stats.clockDemotions, 0);
  assertNoSpin(stats, setup, producer);
}

/** However often a device that stands still is looked at, it is not more than once a period. */
function assertNoSpin(
  stats: ReturnType<Playback["stats"]>,
  setup: Setup,
  { faults }: Producer,
): void {
  const asked = faults.map((fault) => {
    if (fault.kind === "spurious-wake-up") return fault.count ?? 1;
    return fault.kind === "stall" ? fault.ms / 1000 * setup.rate / setup.periodFrames : 0;
  }).reduce((sum, count) => sum + count, 0);
  const limit = 64 + 8 * setup.periods + asked;
  assert.ok(stats.idleWakeUpsInARow <= limit, `${stats.idleWakeUpsInARow} idle wake-ups in a row`);
}

function assertHeard(
  { card, setup, out }: Stage,
  observed: Observed,
  { faults, givenFrames }: Producer,
) {
  const { rate, periodFrames, batch } = setup;
  // How long a gap was is told by the pointer.
  const stepFrames = 2 + (batch ? periodFrames : 0);
  const stands = faults.some(({ kind }) => kind === "stall" || kind === "suspend");
  observed.assertConsistent(stands ? Infinity : stepFrames / rate * 1000);
  assert.equal(observed.ended.length, observed.begun.length, "An xrun has no end");
  const rings = faults.filter(losesRing).length;
  const isExact = !stands && rings === 0;
  const { access, xrunPolicy: { policy } } = out.granted;
  const isRendered = access === "mmap" && faults.some(({ kind }) => kind.endsWith("fill"));
  // Nobody can tell the frames that a fill left in the ring from those that were to come.
  if (!isExact && isRendered && policy === "repeat") return;
  const slack = isExact ? {} : { slackFrames: periodFrames };
  const limits = { rate, bufferFrames: bufferOf(setup), ...slack };
  const walk = walkTap(card.played() as Int32Array, { xruns: observed.ended, ...limits });
  if (faults.some(isLoss)) return;
  if (isExact || policy !== "repeat") assert.equal(walk.heard, out.stats().framesPlayed);
  assert.ok(walk.heard + walk.skipped <= givenFrames);
  assert.ok(walk.skipped <= rings * bufferOf(setup), `${walk.skipped} frames are missing`);
}

function assertCauses({ begun }: Observed, { faults, lateTimes }: Producer): void {
  const possible = new Set<XrunCause | undefined>(faults.map(({ kind }) => causeOf[kind]));
  if (lateTimes > 0) possible.add("producer");
  if (faults.some(isLoss)) possible.add("device");
  for (const { cause } of begun) assert.ok(possible.has(cause), `An xrun of cause ${cause}`);
  assert.ok(begun.length <= faults.length + lateTimes, `${begun.length} xruns`);
}

/** Faults of the hardware concern one stream; what keeps the thread away may concern them all. */
function assertUndisturbed(
  card: VirtualCard,
  setup: Setup,
  { out, observed }: Neighbour,
  substream: number,
  { faults }: Producer,
): void {
  const threadFaults = faults.filter(isOfThread);
  const possible = new Set<XrunCause | undefined>(threadFaults.map(({ kind }) => causeOf[kind]));
  for (const { cause } of observed.begun) assert.ok(possible.has(cause), `Beside it ${cause}`);
  assert.ok(observed.begun.length <= threadFaults.length);
  const xruns = observed.ended;
  const tap = card.played(substream) as Int32Array;
  const walk = walkTap(tap, { xruns, rate: setup.rate, bufferFrames: bufferOf(setup) });
  assert.equal(walk.skipped, 0);
  const { framesDropped, clockDemotions, pointerStalls } = out.stats();
  const counted = { framesDropped, clockDemotions, pointerStalls };
  assert.deepEqual(counted, { framesDropped: 0, clockDemotions: 0, pointerStalls: 0 });
}

function playSchedules(part: number, policy: XrunPolicy, access: "mmap" | "write"): Promise<void> {
  const property = fc.asyncProperty(
    schedules,
    (schedule) => playSchedule(schedule, policy, access),
  );
  return fc.assert(property, runs(schedulesPerPart, part));
}

let parts = 0;
for (const policy of policies) {
  for (const access of accesses) {
    for (let part = 1; part <= partsPerPath; part++) {
      const number = parts++;
      test(`random faults by ${access}, policy ${policy}, part ${part}`, async () => {
        await playSchedules(number, policy, access).catch((error: Error) => {
          throw new Error(`${error.message}\n${replay("fault_schedules")}`, { cause: error });
        });
      });
    }
  }
}
