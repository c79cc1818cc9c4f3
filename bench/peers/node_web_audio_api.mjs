// npm's node-web-audio-api: the Web Audio API in Rust, which plays to the default device.
import process from "node:process";
import { AudioContext } from "node-web-audio-api";
import { RATE } from "./chunk.mjs";

const [, periodFrames, periods] = process.argv.slice(2).map(Number);
const latencyHint = periodFrames * periods / RATE;
const context = new AudioContext({ sampleRate: RATE, latencyHint });
const source = context.createBufferSource();
source.buffer = context.createBuffer(2, RATE, RATE);
source.loop = true;
source.connect(context.destination);
source.start();
