// SPDX-License-Identifier: MIT

/**
 * The end of the space that allocators divide, in page frames: 2^48, past every address that they are asked for (below
 * 2^53 bytes, a granule being 64 bytes or more).
 */
export const FRAMES = 2 ** 48;

/**
 * Hands out ranges of I/O virtual page frames. All numbers are page frames (addresses divided by the granule), limits are the
 * last frame that a range may have. Ranges are known by their first frame; no two overlap.
 */
export interface IovaAllocator {
  /** The lowest frame that is ever handed out. @see start_pfn in struct iova_domain */
  readonly start: number;
  /** Number of ranges that are taken: allocated and reserved ones. */
  readonly rangeCount: number;
  /**
   * Takes `size` frames whose last is at most `limit`. They start at a multiple of `size` rounded up to a power of two, or
   * anywhere when not `aligned`. Returns the first frame, or null when there is no place. @see alloc_iova
   */
  allocate(size: number, limit: number, aligned?: boolean): number | null;
  /** Gives the range back that holds `frame`; false when none does. @see free_iova */
  free(frame: number): boolean;
  /**
   * Keeps the frames [first, end) from being handed out. What of them is taken already stays one range with what it
   * belongs to, except that the part of the reserved range before it joins it. @see reserve_iova
   */
  reserve(first: number, end: number): void;
}
