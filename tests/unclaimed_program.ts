/** Gives a stream away that nobody attaches, and prints what comes of that. */
import { engineCounters } from "../lib/testing/mod.ts";
import { attachPlayback, HalflapError, openPlayback, tone } from "../mod.ts";
import { assertNothingLeaks, eventually } from "./harness.ts";

const out = await openPlayback({ device: "virtual", source: tone({ frequencyHz: 440 }) });
const token = await out.detach();
await eventually("the end of the stream", () => engineCounters().streams === 0);
await assertNothingLeaks();
try {
  await attachPlayback(token);
} catch (error) {
  console.log(error instanceof HalflapError ? error.code : error);
}
