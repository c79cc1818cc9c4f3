/**
 * A program as users write it, compiled against the shipped declarations with the oldest `lib` that
 * is supported. It is compiled only; what it does is tested elsewhere.
 */
import { HalflapError, openPlayback, tone } from "halflap";
import { openVirtualCard } from "halflap/testing";

export async function play(samples: Int16Array, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const out = await openPlayback({ format: "s16", access: "mmap", channels: 1 });
  out.addEventListener("xrun", (event) => console.warn(event.cause));
  await out.write(samples);
  // @ts-expect-error Samples are typed by the format.
  await out.write(new Float32Array(10));
  await bytes.pipeTo(out.writable);
  await out.drain({ timeoutMs: 500 });
  await out.close();
}

export async function synthesise(): Promise<number> {
  const card = await openVirtualCard();
  const out = await openPlayback({ device: card.device, source: tone({ frequencyHz: 440 }) });
  // @ts-expect-error A stream with a source of its own cannot be written.
  out.write(new Float32Array(10));
  await card.advance(480);
  await out.close();
  return card.played().length;
}

export async function report(): Promise<string> {
  try {
    await using out = await openPlayback({ device: "nowhere" });
    return out.state;
  } catch (error) {
    return error instanceof HalflapError ? `${error.code}: ${error.hint}` : String(error);
  }
}
