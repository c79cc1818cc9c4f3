/**
 * The ranges of numbers that several options and methods have in common.
 *
 * @module
 */

/** Lowest and highest value of a number. */
export type Range = readonly [min: number, max: number];

/** Lowest and highest rate in frames per second. */
export const RATE_RANGE: Range = [4000, 768_000];
/** Lowest and highest number of channels. */
export const CHANNELS_RANGE: Range = [1, 32];
/** Lowest and highest number of frames in a period. */
export const PERIOD_FRAMES_RANGE: Range = [16, 2 ** 20];
/** Lowest and highest number of periods in a device buffer. */
export const PERIODS_RANGE: Range = [2, 1024];
/** Lowest and highest capacity of a queue in frames. */
export const QUEUE_FRAMES_RANGE: Range = [16, 2 ** 24];
/** Lowest and highest linear gain. */
export const GAIN_RANGE: Range = [0, 16];
