// SPDX-License-Identifier: MIT
import { alignDown, alignUp } from "../address.ts";
import type { Extents } from "./extents.ts";

/** What an operation on some ranges touches in a cache: its bytes, and the rest of the lines that they lie in. */
export interface LineCover {
  /** The ranges' own bytes as flat pairs of start and end: ascending and disjoint. */
  readonly inRange: Float64Array;
  /** The other bytes of touched lines, in the same form; empty when every range is made of whole lines. */
  readonly neighbours: Float64Array;
  /** Number of lines touched. */
  readonly lines: number;
}

const none = new Float64Array(0);

/** Covers that had to be worked out; ranges of whole lines, which are most, never are. */
const covers = new WeakMap<Extents, Map<number, LineCover>>();

/** The cover of a buffer's ranges by lines of `line` bytes. */
export function lineCover(extents: Extents, line: number): LineCover {
  if (extents.ascending && extents.isAligned(line)) {
    return { inRange: extents.pairs, neighbours: none, lines: extents.bytes / line };
  }
  let byLine = covers.get(extents);
  if (byLine === undefined) {
    byLine = new Map();
    covers.set(extents, byLine);
  }
  let cover = byLine.get(line);
  if (cover === undefined) {
    cover = computeCover(extents.ascending ? extents.pairs : merged(extents), line);
    byLine.set(line, cover);
  }
  return cover;
}

function computeCover(inRange: Float64Array, line: number): LineCover {
  const neighbours: number[] = [];
  let lines = 0;
  let covered = 0;
  for (let i = 0; i < inRange.length; i += 2) {
    const start = inRange[i] as number;
    const end = inRange[i + 1] as number;
    const before = Math.max(alignDown(start, line), covered);
    if (before < start) neighbours.push(before, start);
    const last = alignUp(end, line);
    const after = Math.min(last, (inRange[i + 2] as number | undefined) ?? last);
    if (end < after) neighbours.push(end, after);
    lines += (last - Math.max(alignDown(start, line), alignUp(covered, line))) / line;
    covered = after;
  }
  return { inRange, neighbours: neighbours.length === 0 ? none : Float64Array.from(neighbours), lines };
}

/** Ascending, disjoint pairs; a buffer may use its pages in any order, and the same page twice. */
function merged({ pairs, count }: Extents): Float64Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i * 2).sort(
    (a, b) => (pairs[a] as number) - (pairs[b] as number),
  );
  const ascending: number[] = [];
  for (const i of order) {
    const start = pairs[i] as number;
    const end = pairs[i + 1] as number;
    const last = ascending.length - 1;
    if (last > 0 && start <= (ascending[last] as number)) {
      ascending[last] = Math.max(ascending[last] as number, end);
    } else ascending.push(start, end);
  }
  return Float64Array.from(ascending);
}

/** Whether a cover's pairs contain an address. */
export function pairsContain(pairs: Float64Array, address: number): boolean {
  let low = 0;
  let high = pairs.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (address < (pairs[middle * 2] as number)) high = middle - 1;
    else if (address >= (pairs[middle * 2 + 1] as number)) low = middle + 1;
    else return true;
  }
  return false;
}
