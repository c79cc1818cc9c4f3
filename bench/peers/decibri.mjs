// npm's decibri: cpal, which plays to the default device.
import { Speaker } from "decibri";
import { chunk, RATE } from "./chunk.mjs";

const out = new Speaker({ channels: 2, sampleRate: RATE });
const write = () => out.write(chunk, write);
write();
