/**
 * Tests without a sound card: a virtual card whose time stands still until the test moves it, and
 * that remembers what it played.
 *
 * @example Testing what a program plays
 * ```ts
 * import assert from "node:assert/strict";
 * import { openPlayback } from "halflap";
 * import { openVirtualCard } from "halflap/testing";
 *
 * await using card = await openVirtualCard({ rate: { min: 48_000, max: 48_000 } });
 * await using out = await openPlayback({ device: card.device });
 *
 * const chime = Float32Array.of(0.5, 0.5, -0.5, -0.5);
 * await out.write(chime);
 * await out.write(chime);
 * const drained = out.drain();
 * await card.advance(2400);
 * await drained;
 *
 * assert.deepEqual([...card.played().slice(0, 8)], [...chime, ...chime]);
 * ```
 *
 * @module
 */

export type { CardAccess, CardTap, Limits, VirtualCardOptions } from "./card_options.ts";
export { engineCounters } from "./engine_counters.ts";
export type { EngineCounters } from "./engine_counters.ts";
export type {
  DisconnectFault,
  Fault,
  HealFault,
  LateWakeUpFault,
  PointerJumpFault,
  PreemptedFillFault,
  RefuseOpenFault,
  SlowFillFault,
  SpuriousWakeUpFault,
  StallFault,
  SuspendFault,
  XrunFault,
} from "./fault.ts";
export { openVirtualCard, VirtualCard } from "./virtual_card.ts";
export type { AdvanceOptions, CardStatus, InjectFaultOptions } from "./virtual_card.ts";
export type { SampleArrays, SampleFormat, SamplesOf } from "../format.ts";
