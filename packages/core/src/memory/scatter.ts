// SPDX-License-Identifier: MIT
import { MAX_PAGE_ORDER } from "./page-frame.ts";

/** How the page allocator scatters what it hands out, for tests and benchmarks that want memory as on a machine long in use. */
export interface ScatterOptions {
  /** Any whole number; the same seed and the same calls give the same addresses. */
  readonly seed: number;
  /**
   * Blocks of this order and larger are taken from random places; smaller ones come, lowest first, out of a block of this
   * order that was. So single pages lie in runs of about 2^order pages. 0, the default, scatters every page; 10 is as
   * coarse as the kernel's own shuffling of its free lists.
   * @see shuffle_free_memory
   */
  readonly order?: number;
}

/** The seeded choice of places behind `ScatterOptions`. */
export class Scatter {
  /** Order from which blocks are taken at random places. */
  readonly order: number;
  #state: number;

  /** Throws `TypeError` for a seed that is not a whole number or an order outside 0 to 10. */
  constructor({ seed, order = 0 }: ScatterOptions) {
    if (!Number.isSafeInteger(seed)) throw new TypeError(`not a seed: ${seed}`);
    if (!Number.isInteger(order) || order < 0 || order > MAX_PAGE_ORDER) {
      throw new TypeError(`scatter order ${order} is not in 0 to ${MAX_PAGE_ORDER}`);
    }
    this.order = order;
    // Multiplied so that neighbouring seeds do not start alike; 0 would stay 0 for ever.
    this.#state = Math.imul(seed | 0, 0x9e3779b1) || 1;
  }

  /** The next number of the sequence, a whole number in [0, bound), bound below 2^31. (Marsaglia's xorshift.) */
  draw(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor(((state >>> 0) / 2 ** 32) * bound);
  }
}
