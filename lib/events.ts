/**
 * Events that a stream dispatches.
 *
 * @module
 */

import type { PlaybackState } from "./state.ts";

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
 * Dispatched as `xrun` after the device ran dry. Xruns that come close together can share an event.
 */
export class XrunEvent extends Event {
  /** Xruns of the stream since it was opened, this one included. */
  readonly xruns: number;

  /**
   * Makes an event.
   *
   * @param xruns Xruns of the stream since it was opened, this one included.
   */
  constructor(xruns: number) {
    super("xrun");
    this.xruns = xruns;
  }
}

/** The events of a stream by their names. */
export interface PlaybackEventMap {
  /** The state has changed. */
  statechange: StateChangeEvent;
  /** The device ran dry. */
  xrun: XrunEvent;
}

/** A listener: a function, or an object with a method `handleEvent`. */
export type PlaybackListener<E extends Event> = ((event: E) => void) | {
  /** Called with the event. */
  handleEvent(event: E): void;
};

/** The options of `addEventListener()`, whatever the runtime's types call them. */
export type ListenerOptions = Parameters<EventTarget["addEventListener"]>[2];
