/**
 * Prints the times of the first stream in a new process, as one object. The suite `open` starts it.
 *
 * @module
 */

import { playbackCycle } from "./playback_cycle.ts";

console.log(JSON.stringify(await playbackCycle("tone", "mmap")));
