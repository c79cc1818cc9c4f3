/**
 * How much a run measures.
 *
 * @module
 */

/** The amounts that every suite goes by. */
export interface Scale {
  /** How often streams are opened anew: where their memory lies makes a difference. */
  readonly openings: number;
  /** Rounds that count after each opening; one more comes first and is thrown away. */
  readonly rounds: number;
  /** How long each task is measured in each round at least. */
  readonly roundMs: number;
  /** How many samples each task gives in each round at least. */
  readonly samples: number;
  /** Rounds that play in real time. */
  readonly realtimeRounds: number;
  /** How long each task runs in each of them. */
  readonly realtimeMs: number;
  /** How long other programs start up before they are measured. */
  readonly peerStartMs: number;
  /** How long they are measured in each round. */
  readonly peerMs: number;
  /** Most streams that are open at a time. */
  readonly maxStreams: number;
}

/** Enough for medians that a second run confirms. */
export const FULL: Scale = {
  openings: 5,
  rounds: 4,
  roundMs: 10,
  samples: 4,
  realtimeRounds: 5,
  realtimeMs: 2000,
  peerStartMs: 5000,
  peerMs: 12_000,
  maxStreams: 3000,
};

/** Just enough to see that everything runs; the figures mean nothing. */
export const QUICK: Scale = {
  openings: 1,
  rounds: 1,
  roundMs: 0,
  samples: 1,
  realtimeRounds: 1,
  realtimeMs: 100,
  peerStartMs: 1000,
  peerMs: 500,
  maxStreams: 10,
};
