/** A day of playback on a card that drifts, with a fault every 20 s: no frame is lost unseen. */
import assert from "node:assert/strict";
import { playLong } from "./faults/long_run.ts";
import { policies } from "./faults/sizes.ts";
import { test } from "./harness.ts";
import { replay, seed } from "./seed.ts";

const daySeconds = 86_400;
const limitMs = 60_000;

const paths = { stop: "mmap", silence: "write", repeat: "mmap" } as const;

for (const policy of policies) {
  const play = async () => {
    const options = { seed, policy, access: paths[policy], periodFrames: 960, seconds: daySeconds };
    const account = await playLong(options).catch((error: Error) => {
      throw new Error(`${error.message}\n${replay("simulated_day")}`, { cause: error });
    });
    console.log(`${policy}: ${JSON.stringify(account)}`);
    assert.equal(account.given, account.played + account.lost);
    assert.ok(account.seconds >= daySeconds, `${account.seconds} s`);
    assert.ok(account.xruns > 100 && account.lost > 0, "The faults did nothing");
  };
  test(`a simulated day loses no frame unseen, policy ${policy}`, play, limitMs);
}
