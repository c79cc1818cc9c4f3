// What the programs here write each time: 10 ms of silence, two channels of s16.
import { Buffer } from "node:buffer";

export const RATE = 48_000;
export const CHUNK_FRAMES = RATE / 100;
export const chunk = Buffer.alloc(CHUNK_FRAMES * 4);
