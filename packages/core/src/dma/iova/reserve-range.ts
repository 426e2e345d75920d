// SPDX-License-Identifier: MIT
import { FRAMES } from "./iova-allocator.ts";
import type { TakenRanges } from "./taken-ranges.ts";

/**
 * Takes what is free of [first, end), as far as that lies in the space: what lies before a range that is taken already
 * joins that range, what lies behind the last one becomes a range of its own. `moved` hears of each range that begins
 * earlier now. @see reserve_iova
 */
export function reserveRange(
  ranges: TakenRanges,
  first: number,
  end: number,
  moved: (from: number, to: number) => void = () => {},
): void {
  const stop = Math.min(end, FRAMES);
  for (let from = Math.max(first, 0); from < stop; ) {
    const taken = ranges.rangeFrom(from);
    if (taken >= stop) {
      ranges.insert(from, stop);
      return;
    }
    if (from < taken) {
      ranges.extendDown(taken, from);
      moved(taken, from);
    }
    from = ranges.end(Math.min(taken, from));
  }
}
