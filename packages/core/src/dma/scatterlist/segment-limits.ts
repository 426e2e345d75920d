// SPDX-License-Identifier: MIT

/** What a device can take of one segment (D-18). @see struct device_dma_parameters */
export interface SegmentLimits {
  /** Most bytes of one segment. @see dma_get_max_seg_size */
  readonly maxSegmentSize: number;
  /** A segment must not cross a multiple of this plus 1; 2^n - 1. @see dma_get_seg_boundary */
  readonly segmentBoundaryMask: number;
}

/** The limits of a device whose driver says nothing: 64 KiB and 4 GiB (D-18). */
export const defaultSegmentLimits: SegmentLimits = {
  maxSegmentSize: 0x1_0000,
  segmentBoundaryMask: 0xffff_ffff,
};

/** The longest segment that a scatterlist can express, in whole pages. */
export const LONGEST_SEGMENT = 0xffff_f000;

/** Whether a number is a boundary mask: 2^n - 1, n from 1 to 53. */
export function isBoundaryMask(mask: number): boolean {
  return Number.isSafeInteger(mask) && mask > 0 && Number.isInteger(Math.log2(mask + 1));
}

/** Bytes from `address` to the next boundary, at most `mask` + 1. */
export function toBoundary(address: number, mask: number): number {
  return mask + 1 - (address % (mask + 1));
}

/** Whether an address is a multiple of `mask` + 1. */
export function onBoundary(address: number, mask: number): boolean {
  // The low 32 bits decide nearly always, and cost a fraction of a remainder of floating-point numbers.
  return (address & mask) === 0 && (mask <= 0xffff_ffff || address % (mask + 1) === 0);
}
