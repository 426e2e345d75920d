// SPDX-License-Identifier: MIT
import type { Memfd } from "./memfd.ts";

/** Pages of one memfd in a buffer: `count` of them from page `first` on, each pinned once. */
export interface PinnedRange {
  readonly memfd: Memfd;
  readonly first: number;
  readonly count: number;
}

/** Takes the pins back; `pairs` are start and end of all pages, in the order of the ranges. @see unpin_folio */
export function unpin(ranges: readonly PinnedRange[], pairs: Float64Array): void {
  let at = 0;
  for (const { memfd, first, count } of ranges) {
    for (let index = first; index < first + count; index++) {
      memfd.unpin(index, pairs[at] as number);
      at += 2;
    }
  }
}
