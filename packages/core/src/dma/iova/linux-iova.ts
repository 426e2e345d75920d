// SPDX-License-Identifier: MIT
import { FRAMES, type IovaAllocator } from "./iova-allocator.ts";
import { orderOf } from "./natural-alignment.ts";
import { reserveRange } from "./reserve-range.ts";
import { TakenRanges } from "./taken-ranges.ts";

/**
 * The policy of Linux 6.12: for any sequence of calls the same answers as its `alloc_iova`, but without its walk from range
 * to range. It hands out the highest place below the range it handed out last, and above that one only when there is
 * none; of ranges that end below 4 GiB and of others it remembers the last one separately. What is freed above the remembered
 * range makes the range that follows it the remembered one.
 *
 * Also as in Linux: a failure makes all requests below 4 GiB that are as long or longer fail at once, even ones with a
 * higher limit, until something that begins below 4 GiB is freed.
 * @see __alloc_and_insert_iova_range, __cached_rbnode_delete_update
 */
export class LinuxIova implements IovaAllocator {
  readonly start: number;
  readonly #ranges = new TakenRanges();
  /** First frame at 4 GiB. */
  readonly #dma32: number;
  /** Where the remembered ranges begin; FRAMES stands for the node that the kernel keeps above all. */
  #cached = FRAMES;
  #cached32 = FRAMES;
  /** No request of so many frames is tried below 4 GiB. */
  #max32: number;

  /**
   * @param start the lowest frame to hand out, 1 or more
   * @param frames32 frames in 4 GiB: 2^32 divided by the granule
   */
  constructor(start = 1, frames32: number = 2 ** 20) {
    this.start = start;
    this.#dma32 = frames32;
    this.#max32 = frames32;
  }

  get rangeCount(): number {
    return this.#ranges.count;
  }

  allocate(size: number, limit: number, aligned = true): number | null {
    const bound = limit + 1;
    const below4GiB = bound <= this.#dma32;
    if (below4GiB && size >= this.#max32) return null;
    const order = aligned ? orderOf(size) : 0;
    const ranges = this.#ranges;
    const cached = below4GiB ? this.#cached32 : this.#cached;
    let first = ranges.takeHighest(this.start, Math.min(bound, cached), size, order);
    if (first < 0 && cached < bound) {
      const end = ranges.end(cached);
      if (end < bound) first = ranges.takeHighest(Math.max(end, this.start), bound, size, order);
    }
    if (first < 0) {
      this.#max32 = size;
      return null;
    }
    if (first + size <= this.#dma32) this.#cached32 = first;
    else this.#cached = first;
    return first;
  }

  free(frame: number): boolean {
    const ranges = this.#ranges;
    const first = ranges.rangeOf(frame);
    if (first < 0) return false;
    const end = ranges.end(first);
    const next = ranges.release(first, end);
    if (first === this.#cached32 || (end <= this.#dma32 && first >= this.#cached32)) this.#cached32 = next;
    if (first < this.#dma32) this.#max32 = this.#dma32;
    if (first >= this.#cached) this.#cached = next;
    return true;
  }

  reserve(first: number, end: number): void {
    reserveRange(this.#ranges, first, end, (from, to) => {
      if (this.#cached === from) this.#cached = to;
      if (this.#cached32 === from) this.#cached32 = to;
    });
  }
}
