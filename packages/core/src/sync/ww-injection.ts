// SPDX-License-Identifier: MIT

const GROWTH = 4;

/**
 * Back-offs without a reason, for testing drivers: a context that holds something is told EDEADLK now and then,
 * at intervals that grow fourfold, so that whoever backs off right gets through in the end. When the first one comes
 * depends on the seed and the context's stamp alone. @see CONFIG_DEBUG_WW_MUTEX_SLOWPATH
 */
export class DeadlockInjection {
  readonly #seed: number;
  #countdowns: number[] = [];
  #intervals: number[] = [];

  /** `seed` is a whole number. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A context begins. */
  begin(claim: number, stamp: number): void {
    this.#countdowns[claim] = mixed(this.#seed, stamp) % GROWTH;
    this.#intervals[claim] = 1;
  }

  /** Counts an acquisition that the context makes with something held; whether it is to fail. */
  due(claim: number): boolean {
    // A context that began before the injection was switched on is left alone.
    const countdown = this.#countdowns[claim];
    if (countdown === undefined) return false;
    if (countdown > 0) {
      this.#countdowns[claim] = countdown - 1;
      return false;
    }
    const interval = (this.#intervals[claim] as number) * GROWTH;
    this.#intervals[claim] = interval;
    this.#countdowns[claim] = interval;
    return true;
  }
}

/** A number below 2^31 that looks random. */
function mixed(seed: number, stamp: number): number {
  let value = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stamp, 0xc2b2ae35);
  value ^= value >>> 15;
  value = Math.imul(value, 0x2c1b3c6d);
  return (value ^ (value >>> 13)) & 0x7fffffff;
}
