// SPDX-License-Identifier: MIT
import { advanced, joined, NOTHING, type VectorClock } from "./vector-clock.ts";

/** How many changes of a clock are remembered; whoever asks for an older moment gets the oldest of these. */
const REMEMBERED = 1024;

/** What one timeline knows of the others, now and at any of its events. */
export class TimelineClock {
  readonly #timeline: number;
  #clock: VectorClock = NOTHING;
  /** Events at which the clock grew, ascending, and what it was from then on. */
  #seqs: number[] = [];
  #clocks: VectorClock[] = [];
  #last = -1;
  #cause = -1;

  constructor(timeline: number) {
    this.#timeline = timeline;
  }

  /** The newest event of the timeline, or -1. */
  get last(): number {
    return this.#last;
  }

  /** Notes an event; false when it has the same cause as the one before, which is known already. */
  enter(seq: number, cause: number): boolean {
    this.#last = seq;
    if (cause === this.#cause) return false;
    this.#cause = cause;
    return true;
  }

  /** What it knows, its own newest event included. */
  get now(): VectorClock {
    return this.#last < 0 ? this.#clock : advanced(this.#clock, this.#timeline, this.#last);
  }

  /** What it knows of the others. */
  get others(): VectorClock {
    return this.#clock;
  }

  /** What it knew at one of its events. */
  at(seq: number): VectorClock {
    let low = 0;
    let high = this.#seqs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seqs[middle] as number) <= seq) low = middle + 1;
      else high = middle;
    }
    return advanced(this.#clocks[Math.max(0, low - 1)] ?? NOTHING, this.#timeline, seq);
  }

  /** Learns what somebody else knew, at its newest event. */
  learn(other: VectorClock): void {
    const clock = joined(this.#clock, other);
    if (clock === this.#clock) return;
    this.#clock = clock;
    if (this.#seqs.at(-1) === this.#last) this.#clocks[this.#clocks.length - 1] = clock;
    else {
      this.#seqs.push(this.#last);
      this.#clocks.push(clock);
    }
    if (this.#seqs.length < 2 * REMEMBERED) return;
    this.#seqs = this.#seqs.slice(REMEMBERED);
    this.#clocks = this.#clocks.slice(REMEMBERED);
  }
}
