/** All devices of the machine are suspended and resumed. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { testSuspending } from "../kernel/suspending.ts";
import { card, device, outFolder } from "./machine.ts";

// QEMU's clock of instructions stands still while a processor is off: the kernel only gets that far.
writeFileSync("/sys/power/pm_test", "devices");
writeFileSync("/sys/module/suspend/parameters/pm_test_delay", "0");

/** Without the folder of the host's, whose driver does not bear it, and awake while it comes back. */
const script = `
  set -e
  while :; do :; done &
  umount ${outFolder}
  rmmod 9pnet_virtio
  echo mem > /sys/power/state
  sh /attach_out.sh
  kill $!
`;

testSuspending({
  ...{ card, device, channels: 2, canResume: false },
  suspend: () => execFileSync("sh", ["-c", script]),
});
