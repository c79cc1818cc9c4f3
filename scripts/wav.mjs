/** Reads PCM WAV files and compares what was played with what was given, bit for bit. */
import { readFileSync } from "node:fs";

const headerBytes = 12;
const chunkHeaderBytes = 8;
const minimumFormatBytes = 16;
const extensibleTag = 0xfffe;
const subformatOffset = 24;

function* chunksOf(bytes) {
  for (let offset = headerBytes; offset + chunkHeaderBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(offset + 4);
    const start = offset + chunkHeaderBytes;
    yield {
      id: bytes.toString("latin1", offset, offset + 4),
      data: bytes.subarray(start, start + length),
    };
    offset = start + length + length % 2;
  }
}

function parseFormat(data) {
  const tag = data.readUInt16LE(0);
  return {
    // An extensible format has the true tag at the start of its subformat.
    tag: tag === extensibleTag ? data.readUInt16LE(subformatOffset) : tag,
    channels: data.readUInt16LE(2),
    rate: data.readUInt32LE(4),
    bits: data.readUInt16LE(14),
  };
}

/** Reads a WAV file: its format, its samples as bytes, and its length in frames. */
export function readWav(file) {
  const bytes = readFileSync(file);
  const isWav = bytes.toString("latin1", 0, 4) === "RIFF" &&
    bytes.toString("latin1", 8, headerBytes) === "WAVE";
  const chunks = isWav ? [...chunksOf(bytes)] : [];
  const format = chunks.find(({ id }) => id === "fmt ");
  const samples = chunks.find(({ id }) => id === "data");
  if (format === undefined || format.data.length < minimumFormatBytes || samples === undefined) {
    throw new Error(`Cannot read "${file}": it is no WAV file with a format and samples`);
  }
  const { tag, channels, rate, bits } = parseFormat(format.data);
  const frames = samples.data.length / (channels * bits / 8);
  return { tag, channels, rate, bits, samples: samples.data, frames };
}

/**
 * Compares a recording of what was played with the file that was given; returns what differs, or
 * undefined where all samples are the same. Only digital silence may follow (a drain pads the last
 * period); 8-bit samples are unsigned, their silence is 0x80.
 */
export function findDifference(given, played) {
  for (const property of ["tag", "channels", "rate", "bits"]) {
    if (given[property] !== played[property]) {
      return `${property} is ${played[property]} instead of ${given[property]}`;
    }
  }
  if (played.samples.length < given.samples.length) {
    return `${given.frames - played.frames} of ${given.frames} frames are missing`;
  }
  const silence = given.bits === 8 ? 0x80 : 0;
  const differing = played.samples.findIndex((byte, index) =>
    byte !== (index < given.samples.length ? given.samples[index] : silence)
  );
  if (differing === -1) return undefined;
  return `samples differ from frame ${
    Math.floor(differing / (given.channels * given.bits / 8))
  } on`;
}
