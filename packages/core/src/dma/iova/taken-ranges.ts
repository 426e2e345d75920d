// SPDX-License-Identifier: MIT
import { GapIndex } from "./gap-index.ts";
import { FRAMES } from "./iova-allocator.ts";
import { RangeTable } from "./range-table.ts";

/** The ranges of page frames that are taken, as a space of gaps and a table of ranges that agree with each other. */
export class TakenRanges {
  readonly #gaps = new GapIndex(FRAMES);
  readonly #ranges = new RangeTable();

  /** Number of ranges. */
  get count(): number {
    return this.#ranges.size;
  }

  /**
   * Takes the highest `size` free frames within [low, bound) that start at a multiple of 2^order; returns the first, or -1
   * when there are none.
   */
  takeHighest(low: number, bound: number, size: number, order: number): number {
    const first = this.#gaps.highest(low, bound, size, order);
    if (first < 0) return -1;
    this.#gaps.takeFound(first, size);
    this.#ranges.set(first, first + size);
    return first;
  }

  /** First frame past the range that begins at `first`, or -1 where none begins. */
  end(first: number): number {
    return this.#ranges.end(first);
  }

  /** Frees the range that begins at `first` and ends at `end`; returns where the next range begins, or FRAMES. */
  release(first: number, end: number): number {
    this.#ranges.delete(first);
    return this.#gaps.give(first, end);
  }

  /** Where the range begins that holds `frame`, or -1. @see private_find_iova */
  rangeOf(frame: number): number {
    if (!(frame >= 0 && frame < FRAMES)) return -1;
    if (this.#ranges.end(frame) >= 0) return frame;
    const first = this.rangeFrom(frame);
    return first <= frame ? first : -1;
  }

  /** Where the first range begins that ends past `frame`, a frame of the space, or FRAMES. */
  rangeFrom(frame: number): number {
    const gapEnd = this.#gaps.endAt(frame);
    if (frame < gapEnd) return gapEnd;
    // Ranges without a gap between them are only found one after the other.
    for (let first = Math.max(gapEnd, 0); ; ) {
      const end = this.#ranges.end(first);
      if (frame < end) return first;
      first = end;
    }
  }

  /** Takes [first, end), which is free, as a range. */
  insert(first: number, end: number): void {
    this.#gaps.take(first, end);
    this.#ranges.set(first, end);
  }

  /** Makes the range at `first` begin at `newFirst` instead, from where on all is free. */
  extendDown(first: number, newFirst: number): void {
    const end = this.#ranges.delete(first);
    this.#gaps.take(newFirst, first);
    this.#ranges.set(newFirst, end);
  }
}
