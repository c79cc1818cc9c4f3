// npm's @audio/speaker: miniaudio, which plays to the default device.
import process from "node:process";
import speaker from "@audio/speaker";
import { chunk, RATE } from "./chunk.mjs";

const [, periodFrames, periods] = process.argv.slice(2).map(Number);
const bufferSize = 1000 * periodFrames * periods / RATE;
const write = speaker({ sampleRate: RATE, channels: 2, bitDepth: 16, bufferSize });
// Without a device it pretends to play.
if (write.backend !== "miniaudio") throw new Error(`It fell back to "${write.backend}"`);
const next = () => write(chunk, next);
next();
