/**
 * Streams and their xruns as OpenTelemetry metrics: what is open on each device, and how long sound
 * was missing, by device and cause. Run as a program, it plays on a virtual card in simulated time,
 * makes it run dry once for each cause, and prints the metrics.
 *
 *     deno run --allow-ffi examples/opentelemetry.ts
 *     bun examples/opentelemetry.ts
 */

import { subscribe } from "node:diagnostics_channel";
import type { Meter } from "@opentelemetry/api";
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
// In a program of yours: from "halflap/testing" and from "halflap".
import { openVirtualCard } from "../lib/testing/mod.ts";
import { type CloseMessage, type OpenMessage, openPlayback, type XrunMessage } from "../mod.ts";

/** Measures all streams of the program that are opened from now on. */
export function measureStreams(meter: Meter): void {
  const streams = meter.createUpDownCounter("halflap.streams", {
    description: "Streams that are open",
    unit: "{stream}",
  });
  const xruns = meter.createHistogram("halflap.xrun.duration", {
    description: "How long sound was missing",
    unit: "s",
    advice: { explicitBucketBoundaries: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1] },
  });
  subscribe("halflap:open", (message) => {
    const { granted } = message as OpenMessage;
    streams.add(1, { device: granted.device });
  });
  subscribe("halflap:xrun", (message) => {
    const { stream, xrun } = message as XrunMessage;
    xruns.record(xrun.durationMs / 1000, { device: stream.granted.device, cause: xrun.cause });
  });
  subscribe("halflap:close", (message) => {
    const { stream } = message as CloseMessage;
    streams.add(-1, { device: stream.granted.device });
  });
}

/** Plays, while a card runs dry by each of the four causes. */
async function playWithFaults(): Promise<void> {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, channels: 1, queueFrames: 48_000 });
  await out.write(new Float32Array(48_000));
  for (const kind of ["late-wake-up", "slow-fill"] as const) {
    card.injectFault({ kind, ms: 50 });
    await card.advanceMs(100);
  }
  card.injectFault({ kind: "xrun" });
  // Longer than what was written lasts.
  await card.advanceMs(1000);
}

if (import.meta.main) {
  const exporter = new ConsoleMetricExporter();
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter })],
  });
  measureStreams(provider.getMeter("halflap"));
  await playWithFaults();
  await provider.shutdown();
}
