/** `halflap` with `inspect` alone, which looks at the folder named first instead of /proc/asound. */
import process from "node:process";
import { makeInspectCommand } from "../lib/cli/inspect.ts";
import { main } from "../lib/cli/main.ts";
import { AsoundFolder } from "../lib/inspect/asound_folder.ts";
import { inventSystem } from "./invented_system.ts";

const [folder = "", ...args] = process.argv.slice(2);
const system = inventSystem({
  files: {
    "/proc/51/status": "Tgid:\t49\n",
    "/proc/49/comm": "bun\n",
    "/proc/42/comm": "arecord\n",
  },
});
const inspect = makeInspectCommand({ folder: new AsoundFolder(folder), system });
process.exitCode = await main(args, new Map([["inspect", inspect]]));
