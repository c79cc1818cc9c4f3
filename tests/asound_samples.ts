/** Files of /proc/asound as real kernels wrote them; tests/asound/README.md says where. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.resolve(fileURLToPath(import.meta.url), "../asound");

/** Linux 6.12 with snd-dummy, on which halflap plays with the policy `silence`, and snd-aloop. */
export const linux612: string = path.join(folder, "linux-6.12");
/** Debian's Linux 6.1 with emulated hardware. */
export const linux61: string = path.join(folder, "linux-6.1");

export const sample = (kernel: string, file: string): string =>
  readFileSync(path.join(kernel, file), "utf8");

/** The running playback stream of each kernel, and others. */
export const streams: readonly string[] = [
  `${linux612}/card0/pcm0p/sub0`,
  `${linux612}/card0/pcm0c/sub0`,
  `${linux612}/card1/pcm1p/sub0`,
  `${linux61}/card0/pcm0p/sub0`,
  `${linux61}/card0/pcm0c/sub0`,
  `${linux61}/card4/pcm0p/sub0`,
];
