/** The system is suspended to memory, and a clock wakes it. */
import { writeFileSync } from "node:fs";
import { loadDriver } from "./guest.ts";
import { testSuspending } from "./suspending.ts";

await loadDriver("snd-dummy");
await loadDriver("snd-aloop");

const alarm = "/sys/class/rtc/rtc0/wakealarm";

function suspend(): void {
  writeFileSync(alarm, "0");
  writeFileSync(alarm, "+5");
  writeFileSync("/sys/power/state", "mem");
}

for (const card of ["Dummy", "Loopback"]) {
  testSuspending({ card, device: `hw:${card},0`, channels: 1, canResume: true, suspend });
}
