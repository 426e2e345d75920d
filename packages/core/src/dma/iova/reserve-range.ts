// SPDX-License-Identifier: MIT
import type { TakenRanges } from "./taken-ranges.ts";

/**
 * Takes what is free of [first, end): what lies before a range that is taken already joins that range, what lies behind
 * the last one becomes a range of its own. `moved` hears of each range that begins earlier now. @see reserve_iova
 */
export function reserveRange(
  ranges: TakenRanges,
  first: number,
  end: number,
  moved: (from: number, to: number) => void = () => {},
): void {
  for (let from = first; from < end; ) {
    const taken = ranges.rangeFrom(from);
    if (taken >= end) {
      ranges.insert(from, end);
      return;
    }
    if (from < taken) {
      ranges.extendDown(taken, from);
      moved(taken, from);
    }
    from = ranges.end(Math.min(taken, from));
  }
}
