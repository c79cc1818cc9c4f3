// npm's audify: RtAudio.
import process from "node:process";
import audify from "audify";
import { Buffer } from "node:buffer";
import { RATE } from "./chunk.mjs";

const { RtAudio, RtAudioApi, RtAudioFormat } = audify;
const [, periodFrames, periods] = process.argv.slice(2).map(Number);
const out = new RtAudio(RtAudioApi.LINUX_ALSA);
const period = Buffer.alloc(periodFrames * 4);
const device = { deviceId: out.getDefaultOutputDevice(), nChannels: 2, firstChannel: 0 };
const next = () => out.write(period);
out.openStream(
  device,
  null,
  RtAudioFormat.RTAUDIO_SINT16,
  RATE,
  periodFrames,
  "peer",
  null,
  next,
);
out.start();
for (let count = 0; count < periods; count++) next();
