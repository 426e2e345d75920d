// SPDX-License-Identifier: MIT
import type { Domain } from "./topology.ts";

/** Bytes of a widest line that are alike: their offsets in it, and the caller's number for what they are. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly kind: number;
}

/**
 * A line, or several which hold the same, so that what helps one helps each. Maintenance acts on lines of one domain, so
 * bytes have to be told apart by what they are and by the lines that they lie in, but not further; and given what is
 * done to the line around them, the narrower lines in it have nothing to do with each other.
 */
export interface LineNest {
  /** The domains that have lines of this width. */
  readonly domains: readonly Domain[];
  readonly width: number;
  /** Where these lines begin in the widest line. */
  readonly offsets: readonly number[];
  /** How many of them each line of the next wider width has. */
  readonly count: number;
  /** The lines of the next narrower width; none in the narrowest. */
  readonly inner: readonly LineNest[];
  /** What the bytes of a narrowest line are; empty in wider ones. */
  readonly kinds: readonly number[];
}

/** A nest with a text that is equal for those that hold the same. */
interface Keyed {
  readonly key: string;
  readonly nest: LineNest;
}

/** The widest line of some domains, 1 without any: bytes further apart have nothing to do with each other. */
export const widestLine = (domains: readonly Domain[]): number =>
  Math.max(1, ...domains.map(({ line }) => line));

/** The lines in a widest line. @param pieces ascending and disjoint; bytes in none of them are left out. */
export function lineNest(domains: readonly Domain[], pieces: readonly Piece[]): LineNest {
  const widths = [...new Set(domains.map(({ line }) => line))].sort((a, b) => b - a);
  return nestAt(domains, widths.length === 0 ? [1] : widths, 0, pieces).nest;
}

function nestAt(
  domains: readonly Domain[],
  [width, ...narrower]: readonly number[],
  offset: number,
  pieces: readonly Piece[],
): Keyed {
  const line = width as number;
  const own = pieces.filter(({ start, end }) => start < offset + line && end > offset);
  const nest = {
    domains: domains.filter((domain) => domain.line === line),
    width: line,
    offsets: [offset],
    count: 1,
  };
  const [next] = narrower;
  if (next === undefined) {
    const kinds = [...new Set(own.map(({ kind }) => kind))].sort((a, b) => a - b);
    return { key: kinds.join(), nest: { ...nest, inner: [], kinds } };
  }
  const alike = new Map<string, LineNest[]>();
  for (let at = offset; at < offset + line; at += next) {
    const inner = nestAt(domains, narrower, at, own);
    const others = alike.get(inner.key);
    if (others === undefined) alike.set(inner.key, [inner.nest]);
    else others.push(inner.nest);
  }
  alike.delete("");
  const sorted = [...alike].sort(([a], [b]) => (a < b ? -1 : 1));
  const inner = sorted.map(([, nests]) => ({ ...together(nests), count: nests.length }));
  const key = sorted.map(([each, nests]) => `${nests.length}(${each})`).join("");
  return { key, nest: { ...nest, inner, kinds: [] } };
}

/** One nest for several with equal keys, level by level. */
function together(nests: readonly LineNest[]): LineNest {
  const [first] = nests as [LineNest];
  if (nests.length === 1) return first;
  const inner = first.inner.map((_, i) => together(nests.map((nest) => nest.inner[i] as LineNest)));
  return { ...first, offsets: nests.flatMap(({ offsets }) => offsets).sort((a, b) => a - b), inner };
}

/**
 * Appends to flat pairs of start and end, ascending, where the lines of a nest are in the widest lines of [start, end).
 *
 * @param widest bytes in a widest line.
 */
export function appendLines(
  pairs: number[],
  { offsets, width }: LineNest,
  start: number,
  end: number,
  widest: number,
): void {
  if (offsets.length * width === widest) {
    appendRange(pairs, start, end);
    return;
  }
  for (let unit = start; unit < end; unit += widest) {
    for (const offset of offsets) appendRange(pairs, unit + offset, unit + offset + width);
  }
}

/** Appends a range to flat pairs of start and end; one that begins where the last ends makes that longer. */
export function appendRange(pairs: number[], start: number, end: number): void {
  if (pairs.length > 0 && pairs[pairs.length - 1] === start) pairs[pairs.length - 1] = end;
  else pairs.push(start, end);
}
