// SPDX-License-Identifier: MIT
import { Extents } from "../../memory/extents.ts";
import type { Bounce } from "../swiotlb/bounce.ts";

/** A part of a mapping, by how the device gets at it. Either is null where there is nothing of it. */
export interface SplitPart {
  /** Memory that the device uses itself. */
  readonly direct: Extents | null;
  /** Memory of which it uses a copy, at the addresses of the originals. */
  readonly bounced: Extents | null;
  /** The copies, at the addresses of the bounce buffers. */
  readonly slots: Extents | null;
}

/** Memory that has a counterpart elsewhere: of a bounce buffer, the original; or the other way round. */
type Moved = Pick<Bounce, "original" | "size" | "addressOf">;

const listOf = (pairs: readonly number[]): Extents | null =>
  pairs.length === 0 ? null : new Extents(Float64Array.from(pairs));

/**
 * Splits a part of a mapping into what bounces and what does not.
 *
 * @param sorted the mapping's bounce buffers, ascending by their originals, which do not overlap
 */
export function splitPart(part: Extents, sorted: readonly Moved[]): SplitPart {
  const direct: number[] = [];
  const bounced: number[] = [];
  const slots: number[] = [];
  for (let i = 0; i < part.pairs.length; i += 2) {
    let at = part.pairs[i] as number;
    const end = part.pairs[i + 1] as number;
    for (let next = firstEndingPast(sorted, at); at < end; next++) {
      const bounce = sorted[next];
      const stop = bounce === undefined ? end : Math.min(end, bounce.original);
      if (at < stop) direct.push(at, stop);
      at = Math.max(at, stop);
      if (bounce === undefined || at >= end) break;
      const high = Math.min(end, bounce.original + bounce.size);
      bounced.push(at, high);
      slots.push(bounce.addressOf(at), bounce.addressOf(at) + high - at);
      at = high;
    }
  }
  return { direct: listOf(direct), bounced: listOf(bounced), slots: listOf(slots) };
}

function firstEndingPast(sorted: readonly Moved[], address: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { original, size } = sorted[middle] as Moved;
    if (original + size > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
