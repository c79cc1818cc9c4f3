import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeWaveFromBuffer, SampleFormat as WaveCoding } from "@echogarden/wave-codec";
import fc from "fast-check";
import { ByteReader } from "./byte_reader.ts";
import { CommandError, UsageError } from "./command_error.ts";
import type { PcmInput } from "./pcm_input.ts";
import { openWav, requireLayout } from "./wav_input.ts";

type Chunk = readonly [id: string, body: Uint8Array, declaredBytes?: number];

const uint16 = (value: number): number[] => [value & 0xff, value >>> 8 & 0xff];
const uint32 = (value: number): number[] => [...uint16(value & 0xffff), ...uint16(value >>> 16)];
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

/** A format chunk of 16 bit stereo at 8 kHz, or of what is given. */
function formatChunk(
  { tag = 1, channels = 2, rate = 8000, bits = 16, frameBytes = 4 } = {},
): Chunk {
  const numbers = [tag, channels].flatMap(uint16);
  const rest = [rate, rate * frameBytes].flatMap(uint32);
  return ["fmt ", Uint8Array.from([...numbers, ...rest, ...[frameBytes, bits].flatMap(uint16)])];
}

function wav(chunks: readonly Chunk[], { id = "RIFF", riffBytes = -1 } = {}): Uint8Array {
  const body = chunks.flatMap(([name, bytes, declared = bytes.length]) => [
    ...ascii(name),
    ...uint32(declared),
    ...bytes,
    ...(bytes.length % 2 === 0 ? [] : [0]),
  ]);
  const size = riffBytes === -1 ? 4 + body.length : riffBytes;
  return Uint8Array.from([...ascii(id), ...uint32(size), ...ascii("WAVE"), ...body]);
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    yield bytes.subarray(offset, offset + pieceBytes);
  }
}

async function open(bytes: Uint8Array, pieceBytes = 5): Promise<PcmInput> {
  const input = await openWav(new ByteReader(inPieces(bytes, pieceBytes)), '"a.wav"');
  assert.ok(!("unsupported" in input), JSON.stringify(input));
  return input;
}

async function samplesOf(input: PcmInput): Promise<number[]> {
  const samples: number[] = [];
  for await (const chunk of input.chunks) samples.push(...chunk);
  return samples;
}

const eight = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

test("every format that the codec writes is read, in pieces of any size", async () => {
  const kinds = [
    [8, WaveCoding.PCM, "u8"],
    [16, WaveCoding.PCM, "s16"],
    [24, WaveCoding.PCM, "s24_3"],
    [32, WaveCoding.PCM, "s32"],
    [32, WaveCoding.Float, "f32"],
    [64, WaveCoding.Float, "f64"],
  ] as const;
  for (const [bits, coding, format] of kinds) {
    for (const channels of [1, 2, 6]) {
      const samples = Uint8Array.from({ length: 3 * channels * bits / 8 }, (_, n) => n * 37);
      const file = encodeWaveFromBuffer(samples, 44_100, channels, bits, coding);
      for (const pieceBytes of [1, 7, 1000]) {
        const input = await open(file, pieceBytes);
        assert.equal(input.format, format);
        assert.equal(input.channels, channels);
        assert.equal(input.rate, 44_100);
        assert.equal(input.totalFrames, 3);
        assert.deepEqual(await samplesOf(input), [...samples]);
      }
    }
  }
});

test("chunks around the samples are left out, padded ones too", async () => {
  const list: Chunk = ["LIST", Uint8Array.from([...ascii("INFOISFT"), ...uint32(3), 65, 66, 0])];
  const file = wav([list, ["bext", Uint8Array.of(9)], formatChunk(), list, ["data", eight], list]);
  assert.deepEqual(await samplesOf(await open(file)), [...eight]);
});

test("sizes that a pipe's writer could not know mean as much as there is", async () => {
  const sizes = [0xffff_ffff, 0x7fff_f000, 0x7fff_ff00, 0x8000_0000];
  for (const size of sizes) {
    const input = await open(wav([formatChunk(), ["data", eight, size]], { riffBytes: size }));
    assert.equal(input.totalFrames, undefined);
    assert.deepEqual(await samplesOf(input), [...eight]);
  }
  const zeros = await open(wav([formatChunk(), ["data", eight, 0]], { riffBytes: 0 }));
  assert.deepEqual(await samplesOf(zeros), [...eight]);
});

test("file without samples has none", async () => {
  const input = await open(wav([formatChunk(), ["data", new Uint8Array(0)]]));
  assert.equal(input.totalFrames, 0);
  assert.deepEqual(await samplesOf(input), []);
});

test("RF64 has its length in a chunk of its own", async () => {
  const ds64: Chunk = ["ds64", Uint8Array.from([100, 0, 8, 0, 0, 0, 0].flatMap(uint32))];
  const file = wav([ds64, formatChunk(), ["data", eight, 0xffff_ffff], ["LIST", eight]], {
    id: "RF64",
  });
  const input = await open(file);
  assert.equal(input.totalFrames, 2);
  assert.deepEqual(await samplesOf(input), [...eight]);
});

test("samples that are cut short come before the error that says so", async () => {
  const input = await open(wav([formatChunk(), ["data", eight, 16]]));
  const samples: number[] = [];
  await assert.rejects(async () => {
    for await (const chunk of input.chunks) samples.push(...chunk);
  }, { name: "CommandError", message: 'Only 2 of 4 frames of "a.wav" are there: it is cut short' });
  assert.deepEqual(samples, [...eight]);
});

test("damage is named", async () => {
  const short: Chunk = ["fmt ", new Uint8Array(14)];
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [Uint8Array.from(ascii("RIFF")), /it is not WAV/],
    [wav([]), /ends before its samples/],
    [wav([formatChunk()]), /ends before its samples/],
    [wav([["data", eight]]), /format chunk is missing/],
    [wav([short, ["data", eight]]), /"fmt " has the impossible length 14/],
    [wav([formatChunk({ frameBytes: 3 }), ["data", eight]]), /frames of 3 instead of 4 bytes/],
    [wav([formatChunk({ channels: 0 }), ["data", eight]]), /it has 0 channels/],
    [wav([formatChunk({ channels: 33 }), ["data", eight]]), /it has 33 channels/],
    [wav([formatChunk({ rate: 0 }), ["data", eight]]), /it has 0 frames per second/],
  ];
  for (const [bytes, message] of cases) {
    const reader = new ByteReader(inPieces(bytes, 5));
    await assert.rejects(openWav(reader, '"a.wav"'), { name: "CommandError", message });
  }
});

test("codings other than PCM are left to a decoder", async () => {
  for (const [tag, bits] of [[6, 8], [7, 8], [2, 4], [0x55, 0], [1, 20], [3, 16]] as const) {
    const bytes = wav([formatChunk({ tag, bits }), ["data", eight]]);
    const input = await openWav(new ByteReader(inPieces(bytes, 5)), '"a.wav"');
    assert.ok("unsupported" in input, `tag ${tag} with ${bits} bits`);
  }
});

test("whatever the bytes are, they are read or refused", async () => {
  const file = wav([["LIST", eight], formatChunk(), ["data", eight]]);
  const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(file.length), fc.integer({ min: 1, max: 64 }), async (
      changed,
      length,
      pieceBytes,
    ) => {
      const bytes = file.slice(0, length);
      for (const [offset, value] of changed) if (offset < length) bytes[offset] = value;
      try {
        const input = await openWav(new ByteReader(inPieces(bytes, pieceBytes)), "it");
        if (!("unsupported" in input)) await samplesOf(input);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test("another layout than the file's is refused", () => {
  const layout = { format: "s16", rate: 8000, channels: 2 } as const;
  const nothing = { format: undefined, rate: undefined, channels: undefined };
  requireLayout(layout, nothing, "it");
  requireLayout(layout, layout, "it");
  for (const other of [{ format: "f32" }, { rate: 44_100 }, { channels: 1 }] as const) {
    assert.throws(() => requireLayout(layout, { ...nothing, ...other }, "it"), UsageError);
  }
});
