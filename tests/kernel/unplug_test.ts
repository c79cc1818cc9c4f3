/** Virtual cards that go away and come back, and PCMs that are in use. */
import assert from "node:assert/strict";
import { openPlayback } from "../../mod.ts";
import { test, withCode } from "../harness.ts";
import { finish, start } from "../programs.ts";
import { loadDriver, look } from "./guest.ts";
import { playBriefly, type Pluggable, testUnplugging } from "./unplugging.ts";

await loadDriver("snd-dummy", "pcm_substreams=1");
await loadDriver("snd-aloop");

const mono = { format: "s16", channels: 1, rate: 48_000, periodFrames: 480, periods: 4 } as const;

const virtualCard = (card: string, module: string): Pluggable => ({
  ...{ card, device: `hw:${card},0`, channels: 1 },
  ...{ driver: `platform/drivers/${module}`, bound: `${module}.0`, module },
});
const dummy = virtualCard("Dummy", "snd_dummy");

testUnplugging(dummy);
testUnplugging(virtualCard("Loopback", "snd_aloop"));

test("a PCM whose substreams are all open is busy, and free after close", async () => {
  const options = { ...mono, device: "hw:Dummy,0" } as const;
  const first = await openPlayback(options);
  await assert.rejects(openPlayback(options), (error: Error) => {
    withCode("ERR_HALFLAP_DEVICE_BUSY")(error);
    assert.match(error.message, /hw:Dummy,0 is held by \w+ \(pid \d+\)/);
    return true;
  });
  await first.close();
  await playBriefly(dummy);
});

test("a PCM that another program plays on is busy", async () => {
  const child = start("aplay", ["-q", "-D", "hw:Dummy,0", "-f", "S16_LE", "-d", "2", "/dev/zero"]);
  const ended = finish(child);
  const busy = async () => (await look("Dummy")).state === "running";
  for (let poll = 0; poll < 1000 && !await busy(); poll++);
  await assert.rejects(
    openPlayback({ ...mono, device: "hw:Dummy,0" }),
    withCode("ERR_HALFLAP_DEVICE_BUSY"),
  );
  await ended;
  await playBriefly(dummy);
});
