// SPDX-License-Identifier: MIT
import { SEGMENT_SLOTS } from "./slot.ts";

/**
 * Which slots are free: for each free one the number of free slots from it on, up to the end of its segment; 0 for a
 * used one. Whether so many slots are free from here is then one comparison. @see io_tlb_slot.list
 */
export class SlotList {
  /** Number of slots. */
  readonly length: number;
  readonly #free: Uint8Array;

  /** All of them free. */
  constructor(length: number) {
    this.length = length;
    this.#free = new Uint8Array(length);
    for (let slot = 0; slot < length; slot++)
      this.#free[slot] = Math.min(SEGMENT_SLOTS - (slot % SEGMENT_SLOTS), length - slot);
  }

  /** Free slots from this one to the end of its free run, which ends with the segment at the latest; 0 for a used one. */
  freeFrom(slot: number): number {
    return this.#free[slot] as number;
  }

  /** Uses `count` slots from `first`, which are free and in one segment. */
  take(first: number, count: number): void {
    this.#free.fill(0, first, first + count);
    this.#recount(first - 1, 0);
  }

  /** Frees `count` slots from `first`: the run grows together with its free neighbours in the segment. */
  give(first: number, count: number): void {
    const after = first + count;
    const merges = after < this.length && after % SEGMENT_SLOTS !== 0;
    let run = merges ? (this.#free[after] as number) : 0;
    for (let slot = after - 1; slot >= first; slot--) this.#free[slot] = ++run;
    this.#recount(first - 1, run);
  }

  /** Counts the free slots up to and including `last` anew, where `run` free ones follow. */
  #recount(last: number, run: number): void {
    let count = run;
    for (let slot = last; slot >= 0 && slot % SEGMENT_SLOTS !== SEGMENT_SLOTS - 1; slot--) {
      if (this.#free[slot] === 0) return;
      this.#free[slot] = ++count;
    }
  }
}
