// SPDX-License-Identifier: MIT
import type { IovaAllocator } from "./iova-allocator.ts";
import { orderOf } from "./natural-alignment.ts";
import { reserveRange } from "./reserve-range.ts";
import { TakenRanges } from "./taken-ranges.ts";

/**
 * Always the highest place that fits. Alignment and limits are those of Linux, addresses are not: there is no node to
 * begin from, so what is handed out depends on what is taken only, never on the history, and a request fails only when no
 * gap can hold it.
 */
export class FirstFitIova implements IovaAllocator {
  readonly start: number;
  readonly #ranges = new TakenRanges();

  /** @param start the lowest frame to hand out, 1 or more */
  constructor(start = 1) {
    this.start = start;
  }

  get rangeCount(): number {
    return this.#ranges.count;
  }

  allocate(size: number, limit: number, aligned = true): number | null {
    const first = this.#ranges.takeHighest(this.start, limit + 1, size, aligned ? orderOf(size) : 0);
    return first < 0 ? null : first;
  }

  free(frame: number): boolean {
    const first = this.#ranges.rangeOf(frame);
    if (first < 0) return false;
    this.#ranges.release(first, this.#ranges.end(first));
    return true;
  }

  reserve(first: number, end: number): void {
    reserveRange(this.#ranges, first, end);
  }
}
