// SPDX-License-Identifier: MIT
import type { Extents } from "../../memory/extents.ts";
import { LONGEST_SEGMENT } from "./segment-limits.ts";
import { SgTable } from "./sg-table.ts";

/**
 * Makes a scatterlist of ranges, one entry a range, cut only where a range is longer than an entry can express (4 GiB less a
 * page). What touches is not merged: whoever made two ranges meant two. Throws `TypeError` for no ranges.
 */
export function sgFromExtents({ pairs, count }: Extents): SgTable {
  let entries = 0;
  for (let i = 0; i < count; i++) entries += Math.ceil(lengthOf(pairs, i) / LONGEST_SEGMENT);
  const addresses = new Float64Array(entries);
  const lengths = new Uint32Array(entries);
  for (let i = 0, entry = 0; i < count; i++) {
    const end = pairs[i * 2 + 1] as number;
    for (let at = pairs[i * 2] as number; at < end; entry++) {
      addresses[entry] = at;
      lengths[entry] = Math.min(end - at, LONGEST_SEGMENT);
      at += lengths[entry] as number;
    }
  }
  return new SgTable(addresses, lengths);
}

const lengthOf = (pairs: Float64Array, i: number): number =>
  (pairs[i * 2 + 1] as number) - (pairs[i * 2] as number);
