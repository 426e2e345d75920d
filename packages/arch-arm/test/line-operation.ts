// SPDX-License-Identifier: MIT
import type { CacheMaintenance } from "@dmabuf/core";

/** One line operation as Arm names it: `civac` cleans and invalidates, `ivac` invalidates, `cvac` cleans. */
export type LineOperation = readonly [instruction: "cvac" | "ivac" | "civac", line: number];

const instructions = { clean: "cvac", invalidate: "ivac", flush: "civac" } as const;

/** The line operations that maintenance stands for, in order. */
export function lineOperations(operations: readonly CacheMaintenance[], line: number): LineOperation[] {
  const found: LineOperation[] = [];
  for (const { kind, extents } of operations) {
    for (let i = 0; i < extents.count; i++) {
      const start = extents.starts[i] as number;
      const first = start - (start % line);
      for (let at = first; at < (extents.ends[i] as number); at += line) {
        found.push([instructions[kind], at]);
      }
    }
  }
  return found;
}

/** A-3 for one segment as the kernel does it, line by line. */
export function invalidateByLine(start: number, end: number, line: number): LineOperation[] {
  const found: LineOperation[] = [];
  let last = end;
  if (last % line !== 0) {
    last -= last % line;
    found.push(["civac", last]);
  }
  let at = start;
  if (at % line !== 0) {
    at -= at % line;
    found.push(["civac", at]);
  } else found.push(["ivac", at]);
  for (at += line; at < last; at += line) found.push(["ivac", at]);
  return found;
}

/** The clean of one segment: its start rounded down, then line by line to its end. */
export function cleanByLine(start: number, end: number, line: number): LineOperation[] {
  const found: LineOperation[] = [];
  for (let at = start - (start % line); at < end; at += line) found.push(["cvac", at]);
  return found;
}

/** A-10 for one segment as ARMv7 does it, and the PL310 by its registers: edges first, the start's before the end's. */
export function invalidateByLineV7(start: number, end: number, line: number): LineOperation[] {
  const found: LineOperation[] = [];
  let at = start - (start % line);
  if (at !== start) {
    found.push(["civac", at]);
    at += line;
  }
  const last = end - (end % line);
  if (last !== end) found.push(["civac", last]);
  for (; at < last; at += line) found.push(["ivac", at]);
  return found;
}

/** A-10 for one segment as an ARM926 does it: edges are cleaned, then every line is invalidated. */
export function invalidateByLineV5(start: number, end: number, line: number): LineOperation[] {
  const found: LineOperation[] = [];
  if (start % line !== 0) found.push(["cvac", start - (start % line)]);
  if (end % line !== 0) found.push(["cvac", end - (end % line)]);
  for (let at = start - (start % line); at < end; at += line) found.push(["ivac", at]);
  return found;
}
