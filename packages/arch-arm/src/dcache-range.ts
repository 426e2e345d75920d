// SPDX-License-Identifier: MIT
import { alignDown, type CacheMaintenance, Extents } from "@dmabuf/core";

/** One segment's maintenance, in order; `start` < `end` are physical addresses, `line` the bytes of a line. */
export type RangeMaintenance = (
  start: number,
  end: number,
  line: number,
  domain: string,
) => readonly CacheMaintenance[];

/** Cleans every line that the range touches. @see dcache_clean_poc */
export const cleanRange: RangeMaintenance = (start, end, _line, domain) => [
  { kind: "clean", domain, extents: Extents.of([start, end]) },
];

/** Cleans and drops every line that the range touches. @see arm926_dma_flush_range */
export const flushRange: RangeMaintenance = (start, end, _line, domain) => [
  { kind: "flush", domain, extents: Extents.of([start, end]) },
];

/**
 * Invalidates a range without taking its neighbours along: a line that is shared at the end, then one that is shared
 * at the start, is cleaned and invalidated; the lines in between are invalidated. The first line's turn comes before the
 * end is looked at, so a range that begins with a line and ends inside it flushes that line and invalidates it once more
 * (OA-25). @see dcache_inval_poc
 */
export const invalidateRange: RangeMaintenance = (start, end, line, domain) => {
  const first = alignDown(start, line);
  const last = alignDown(end, line);
  const operations: CacheMaintenance[] = [];
  if (last < end) operations.push({ kind: "flush", domain, extents: Extents.of([last, last + line]) });
  let from = first;
  let to = last;
  if (first < start) {
    operations.push({ kind: "flush", domain, extents: Extents.of([first, first + line]) });
    from = first + line;
  } else to = Math.max(last, first + line);
  if (from < to) operations.push({ kind: "invalidate", domain, extents: Extents.of([from, to]) });
  return operations;
};

/**
 * The same on 32-bit Arm (A-10), where the start's shared line comes before the end's, and no line is invalidated once more.
 * The PL310's range operation goes the same way (A-12). @see v7_dma_inv_range, l2c210_inv_range
 */
export const invalidateRangeV7: RangeMaintenance = (start, end, line, domain) => {
  const first = alignDown(start, line);
  const last = alignDown(end, line);
  const operations: CacheMaintenance[] = [];
  const from = first < start ? first + line : first;
  if (first < start) operations.push({ kind: "flush", domain, extents: Extents.of([first, first + line]) });
  if (last < end) operations.push({ kind: "flush", domain, extents: Extents.of([last, last + line]) });
  if (from < last) operations.push({ kind: "invalidate", domain, extents: Extents.of([from, last]) });
  return operations;
};

/**
 * The same before version 6: shared lines are cleaned at both ends, and then every line is invalidated.
 * @see arm926_dma_inv_range
 */
export const invalidateRangeV5: RangeMaintenance = (start, end, line, domain) => {
  const first = alignDown(start, line);
  const last = alignDown(end, line);
  const operations: CacheMaintenance[] = [];
  if (first < start) operations.push({ kind: "clean", domain, extents: Extents.of([first, first + line]) });
  if (last < end) operations.push({ kind: "clean", domain, extents: Extents.of([last, last + line]) });
  operations.push({ kind: "invalidate", domain, extents: Extents.of([start, end]) });
  return operations;
};
