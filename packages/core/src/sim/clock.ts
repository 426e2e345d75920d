// SPDX-License-Identifier: MIT

/** One microsecond in nanoseconds, the unit of virtual time. */
export const MICROSECOND = 1_000;

/** One millisecond in nanoseconds. */
export const MILLISECOND = 1_000_000;

/** One second in nanoseconds. */
export const SECOND = 1_000_000_000;

/** Virtual time: nanoseconds since the simulation began, exact up to 2^53 ns (104 days). It never goes back. */
export class Clock {
  #now = 0;

  /** The virtual time in ns. */
  get now(): number {
    return this.#now;
  }

  /** Moves on to `time` (ns); throws `TypeError` for a time that is past or not finite. */
  advanceTo(time: number): void {
    if (!(time >= this.#now && time < Number.POSITIVE_INFINITY)) {
      throw new TypeError(`the clock cannot go from ${this.#now} ns to ${time} ns`);
    }
    this.#now = time;
  }
}
