/** The OpenTelemetry example: what it exports, and that it runs as it stands. */
import assert from "node:assert/strict";
import process from "node:process";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { measureStreams } from "../examples/opentelemetry.ts";
import { openPlayback, type PlaybackQueue } from "../mod.ts";
import { counting, countingSamples, openCard48k, root, test } from "./harness.ts";
import { runOrFail } from "./programs.ts";

/** A program's meter, and a function that returns what has been exported: values by name. */
function openMeter() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({ readers: [reader] });
  const exported = async (): Promise<Readonly<Record<string, unknown[]>>> => {
    exporter.reset();
    await provider.forceFlush();
    const metrics = exporter.getMetrics()[0]!.scopeMetrics.flatMap(({ metrics }) => metrics);
    return Object.fromEntries(metrics.map(({ descriptor, dataPoints }) => {
      const points = dataPoints.map(({ attributes, value }) => ({ attributes, value }));
      return [`${descriptor.name} in ${descriptor.unit}`, points];
    }));
  };
  return { meter: provider.getMeter("test"), exported, shutdown: () => provider.shutdown() };
}

/** Two xruns of 2500 frames. */
async function runDryTwice(out: PlaybackQueue<"s32">, advance: (frames: number) => Promise<void>) {
  for (let round = 0; round < 2; round++) {
    await out.write(countingSamples(500));
    await advance(3000);
  }
}

test("open streams and the xruns of each cause are exported", async () => {
  const { meter, exported, shutdown } = openMeter();
  measureStreams(meter);
  await using card = await openCard48k();
  const { device } = card;
  const out = await openPlayback({ ...counting, device });
  const streams = (value: number) => [{ attributes: { device }, value }];
  assert.deepEqual(await exported(), { "halflap.streams in {stream}": streams(1) });

  await runDryTwice(out, (frames) => card.advance(frames));
  await out.close();
  const metrics = await exported();
  assert.deepEqual(metrics["halflap.streams in {stream}"], streams(0));
  const [xruns, ...others] = metrics["halflap.xrun.duration in s"] as {
    readonly attributes: unknown;
    readonly value: { readonly count: number; readonly sum: number };
  }[];
  assert.deepEqual(others, []);
  assert.deepEqual(xruns!.attributes, { device, cause: "producer" });
  assert.equal(xruns!.value.count, 2);
  assert.ok(Math.abs(xruns!.value.sum - 2 * 2500 / 48_000) < 1e-6, `${xruns!.value.sum} s`);
  await shutdown();
});

test("the program prints an xrun of each cause, and needs to be permitted native code alone", async () => {
  const flags = process.versions.bun === undefined ? ["run", "--no-prompt", "--allow-ffi"] : [];
  const { stdout, stderr } = await runOrFail(
    process.execPath,
    [...flags, "examples/opentelemetry.ts"],
    { cwd: root },
  );
  assert.equal(stderr, "");
  const causes = [...stdout.matchAll(/cause: "(\w+)"/g)].map(([, cause]) => cause);
  assert.deepEqual(causes, ["scheduling", "processing", "device", "producer"]);
  assert.equal(stdout.match(/ count: 1\b/g)?.length, causes.length);
});
