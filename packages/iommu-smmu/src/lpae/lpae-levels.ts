// SPDX-License-Identifier: MIT
import type { TableLevel } from "@dmabuf/core/iommu";
import { granuleShift } from "./granule.ts";
import type { LpaeConfig } from "./lpae-config.ts";

/** Levels 0 to 3. */
const MAX_LEVELS = 4;
/** Descriptors of a level 0 that stage 2 does without: so many tables of level 1 lie one behind the other (M-22). */
const MOST_CONCATENATED = 16;

/**
 * The levels of a table, from the one where the walk begins (M-21): a table has as many descriptors as fit into a granule, the
 * first one only those that the input address needs. @see Arm ARM D8.2 "Translation process"
 */
export function lpaeLevels({ stage, granule, inputBits, outputBits }: LpaeConfig): TableLevel[] {
  const pageShift = granuleShift[granule];
  const perLevel = pageShift - 3;
  const toResolve = inputBits - pageShift;
  const count = Math.ceil(toResolve / perLevel);
  let start = MAX_LEVELS - count;
  let rootBits = toResolve - perLevel * (count - 1);
  if (stage === 2 && start === 0 && 2 ** rootBits <= MOST_CONCATENATED) {
    rootBits += perLevel;
    start = 1;
  }
  const levels: TableLevel[] = [];
  for (let level = start; level < MAX_LEVELS; level++) {
    const shift = pageShift + (MAX_LEVELS - 1 - level) * perLevel;
    const bits = level === start ? rootBits : perLevel;
    levels.push({ level, shift, bits, leaf: hasLeaves(shift, outputBits) });
  }
  return levels;
}

/**
 * Whether a level has blocks or pages: 1 GiB, 32 MiB and 512 MiB are the largest, and 4 TiB of the 64 KiB granule where addresses
 * of more than 48 bits come out (M-20). @see Arm ARM D8.3
 */
const hasLeaves = (shift: number, outputBits: number): boolean =>
  shift <= 30 || (shift === 42 && outputBits > 48);
