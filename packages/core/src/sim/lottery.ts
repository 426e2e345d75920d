// SPDX-License-Identifier: MIT

/** Seeded chance (xorshift32, Marsaglia 2003): the same seed draws the same numbers. */
export class Lottery {
  #state: number;

  /** @param seed any whole number; its low 32 bits count, and neighbouring seeds draw different numbers. */
  constructor(seed: number) {
    // Spread by the golden ratio, because xorshift begins slowly with few bits set.
    this.#state = Math.imul(seed ^ 0x5f35_6495, 0x9e37_79b1) >>> 0 || 1;
    for (let i = 0; i < 4; i++) this.below(1);
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}
