/**
 * Events that a stream dispatches.
 *
 * @module
 */

import type { PlaybackState } from "./state.ts";
import type { Xrun, XrunCause, XrunEvidence, XrunPolicy } from "./xrun.ts";

/** Dispatched as `statechange` after the state of a stream has changed. */
export class StateChangeEvent extends Event {
  /** The new state. */
  readonly state: PlaybackState;

  /**
   * Makes an event.
   *
   * @param state The new state.
   */
  constructor(state: PlaybackState) {
    super("statechange");
    this.state = state;
  }
}

/**
 * Dispatched as `xrun` when the device has run dry, and as `xrunend` when that is over. What is known
 * at once, the cause above all, is in both; `durationMs` is final in the second.
 */
export class XrunEvent extends Event implements Xrun {
  readonly number: number;
  readonly cause: XrunCause;
  readonly policy: XrunPolicy;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly isOver: boolean;
  readonly position: number;
  readonly lostFrames: number;
  readonly evidence: XrunEvidence;
  readonly advice: string;

  /**
   * Makes an event.
   *
   * @param type Which of the two.
   * @param xrun What happened.
   */
  constructor(type: "xrun" | "xrunend", xrun: Xrun) {
    super(type);
    this.number = xrun.number;
    this.cause = xrun.cause;
    this.policy = xrun.policy;
    this.timeMs = xrun.timeMs;
    this.durationMs = xrun.durationMs;
    this.isOver = xrun.isOver;
    this.position = xrun.position;
    this.lostFrames = xrun.lostFrames;
    this.evidence = xrun.evidence;
    this.advice = xrun.advice;
  }
}

/** The events of a stream by their names. */
export interface PlaybackEventMap {
  /** The state has changed. */
  statechange: StateChangeEvent;
  /** The device has run dry. */
  xrun: XrunEvent;
  /** There is sound again, or none is wanted any more. */
  xrunend: XrunEvent;
}

/** A listener: a function, or an object with a method `handleEvent`. */
export type PlaybackListener<E extends Event> = ((event: E) => void) | {
  /** Called with the event. */
  handleEvent(event: E): void;
};

/** The options of `addEventListener()`, whatever the runtime's types call them. */
export type ListenerOptions = Parameters<EventTarget["addEventListener"]>[2];
