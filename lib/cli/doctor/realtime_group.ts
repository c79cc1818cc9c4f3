/**
 * The realtime time of this process's control group.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { cpuGroupFolders } from "./control_groups.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readInteger } from "./integer_file.ts";

const RUNTIME_NAME = "cpu.rt_runtime_us";

/** The realtime time of this process's control group. */
export const realtimeGroup: Examination = {
  id: "realtime-group",
  title: "Realtime group",
  meaning: "Where a kernel divides realtime time among control groups, one without any denies " +
    "realtime scheduling, whatever the limits say.",
  examine(system) {
    const folders = cpuGroupFolders(system, 1);
    if (folders instanceof Inaccessible) return folders;
    for (const folder of folders) {
      const runtime = readInteger(system, `${folder}/${RUNTIME_NAME}`);
      if (runtime instanceof Inaccessible && runtime.reason === "missing") continue;
      if (runtime instanceof Inaccessible) return runtime;
      const found = `${runtime} µs in ${folder}`;
      if (runtime !== 0) return { status: "ok", found };
      return {
        status: "problem",
        found,
        mend: `give time to it and to the groups around it: echo 100000 > ${folder}/` +
          `${RUNTIME_NAME}; with Docker, start dockerd and the container with --cpu-rt-runtime`,
      };
    }
    return { status: "ok", found: "not divided among control groups" };
  },
};
