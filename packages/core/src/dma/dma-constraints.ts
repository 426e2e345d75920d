// SPDX-License-Identifier: MIT
import type { DmaDevice } from "./dma-device.ts";
import { defaultSegmentLimits, LONGEST_SEGMENT, type SegmentLimits } from "./scatterlist/segment-limits.ts";

/**
 * What a device, or several together, can take of a buffer's memory: the limits of D-18 and those that were asked for in 2015
 * (D10, D15, D20; PR-10).
 */
export interface DmaConstraints extends SegmentLimits {
  /** Most segments of one list; `Infinity` where the device does not care. 1 is a device that needs contiguous memory. */
  readonly maxSegmentCount: number;
  /** Whether it needs the memory in one piece: the plain way of saying a count of 1 (D15). */
  readonly contiguous: boolean;
  /** Whether its driver needs struct pages behind the memory (D15, D19). */
  readonly needsPages: boolean;
  /** The trust ids of private memory that may be mapped, sorted; null where every one may (D20). */
  readonly trustIds: readonly string[] | null;
  /** Segments of fewer bytes work, but slowly; 0 where there is no such wish. A wish refuses nobody (D26). */
  readonly preferredSegmentSize: number;
}

/** Of no device: everything goes. */
export const unconstrained: DmaConstraints = {
  maxSegmentSize: Number.POSITIVE_INFINITY,
  segmentBoundaryMask: Number.MAX_SAFE_INTEGER,
  maxSegmentCount: Number.POSITIVE_INFINITY,
  contiguous: false,
  needsPages: false,
  trustIds: null,
  preferredSegmentSize: 0,
};

/** Of a device whose driver says nothing (D-18): trusted with no private memory. */
export const defaultConstraints: DmaConstraints = {
  ...unconstrained,
  ...defaultSegmentLimits,
  trustIds: [],
};

/**
 * Of a device whose driver says something. One that needs contiguous memory takes it in one segment of any size unless it says
 * otherwise, as its driver would tell the DMA API. @see vb2_dma_contig_set_max_seg_size
 */
export function dmaConstraints({
  trustId,
  ...given
}: Partial<Omit<DmaConstraints, "trustIds">> & { readonly trustId?: string }): DmaConstraints {
  const size = given.contiguous === true ? { maxSegmentSize: LONGEST_SEGMENT } : {};
  return { ...defaultConstraints, ...size, ...given, trustIds: trustId === undefined ? [] : [trustId] };
}

/** Of a device as the board has it. */
export const constraintsOf = (device: DmaDevice): DmaConstraints => device.constraints ?? defaultConstraints;
