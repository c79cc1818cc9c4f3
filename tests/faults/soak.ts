/** Plays long runs at short periods, under each policy by each path; `npm run soak` starts it. */
import process from "node:process";
import { accesses } from "../harness.ts";
import { seed } from "../seed.ts";
import { type Account, playLong } from "./long_run.ts";
import { policies } from "./sizes.ts";

const periodFrames = 64;
const hoursPerLine = 6;

function line(name: string, account: Account): string {
  const { seconds, given, played, lost, inGaps, faults, xruns } = account;
  const frames = `${given} frames given, ${played} played, ${lost} lost, ${inGaps} in gaps`;
  return `${name.padEnd(14)} ${String(seconds).padStart(6)} s: ${frames}; ` +
    `${faults} faults, ${xruns} xruns`;
}

const seconds = Number(process.argv[2]);
for (const policy of policies) {
  for (const access of accesses) {
    const name = `${policy}, ${access}`;
    const onHour = (account: Account): void => {
      const isShown = Math.floor(account.seconds / 3600) % hoursPerLine === 0;
      if (isShown) console.log(line(name, account));
    };
    const account = await playLong({ seed, policy, access, periodFrames, seconds, onHour });
    console.log(line(name, account));
  }
}
