// SPDX-License-Identifier: MIT

/** log2 of the bytes that are locked at least. @see AS_LOCK_REGION_MIN_SIZE */
const SMALLEST = 15;

/** What `AS_LOCKADDR` names: a power of two of bytes, at a multiple of that. */
export interface LockedRegion {
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * The smallest region that can be locked and holds [start, start + size), which is not empty.
 * @see lock_region in panfrost_mmu.c
 */
export function lockedRegion(start: number, size: number): LockedRegion {
  const last = start + size - 1;
  let bytes = 2 ** SMALLEST;
  while (Math.floor(start / bytes) !== Math.floor(last / bytes)) bytes *= 2;
  return { start: start - (start % bytes), size: bytes };
}
