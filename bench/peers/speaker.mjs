// npm's speaker: a stream in front of mpg123's ALSA output, whose buffer cannot be chosen.
import process from "node:process";
import Speaker from "speaker";
import { chunk, RATE } from "./chunk.mjs";

const [device] = process.argv.slice(2);
const out = new Speaker({ channels: 2, bitDepth: 16, sampleRate: RATE, device });
const write = () => out.write(chunk, write);
write();
