/**
 * `npm run soak [-- SECONDS]`: so much simulated time, a day by default, of playback at 64-frame
 * periods through random faults, under each policy by each path, until a frame is not accounted for.
 * `HALFLAP_TEST_SEED` repeats a run; it is printed.
 */
import process from "node:process";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { installDebianPackages, installNodeModules, playbackPackages } from "./setup.mjs";
import { CommandError, describeEnd, run, runMain } from "./subprocess.mjs";
import { bun, hostTarget } from "./toolchain.mjs";

const usage = "Usage: npm run soak [-- SECONDS]\n";
const daySeconds = 86_400;
const maxSeconds = 100 * daySeconds;
/** A day takes about two minutes. */
const timeoutMs = 24 * 3_600_000;

async function main(args) {
  const [text = String(daySeconds)] = args;
  const seconds = Number(text);
  const isCount = Number.isInteger(seconds) && seconds >= 1 && seconds <= maxSeconds;
  if (args.length > 1 || !isCount) {
    process.stderr.write(usage);
    return 2;
  }
  await installNodeModules();
  if (!await installDebianPackages(playbackPackages)) return 1;
  await buildLibrary(hostTarget);
  await buildAbi();
  const result = await run(bun, ["tests/faults/soak.ts", text], { inherit: true, timeoutMs });
  if (result.code !== 0) throw new CommandError(describeEnd(result), "");
  return 0;
}

await runMain(main);
