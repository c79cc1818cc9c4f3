/** The small sizes of which tests of faults can hit every phase, and what follows from them. */

export const policies = ["stop", "silence", "repeat"] as const;

export const sizes = { rate: 48_000, periodFrames: 100, periods: 4 } as const;
export const framesPerMs = 48;
export const bufferFrames = 400;
/** With 4 periods a stream is woken when half of its buffer is free. */
export const wakeUpFrames = 200;
/** A device that runs on goes on playing a quarter of a period ahead of where it is. */
export const leadFrames = 25;
