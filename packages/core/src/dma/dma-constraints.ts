// SPDX-License-Identifier: MIT
import type { DmaDevice } from "./dma-device.ts";
import { defaultSegmentLimits, LONGEST_SEGMENT, type SegmentLimits } from "./scatterlist/segment-limits.ts";

/**
 * What a device, or several together, ask of a buffer's memory: the proposal of 2015, and what was asked for with it (D10,
 * D15, D20; PR-10). A limit that nobody asks for is none; the DMA API's own is `segmentLimitsOf`.
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

/** Of a device whose driver asks for nothing: anything but private memory. */
export const defaultConstraints: DmaConstraints = { ...unconstrained, trustIds: [] };

/** Of a device whose driver asks for something; what it does not mention is no matter to it. */
export function dmaConstraints({
  trustId,
  ...given
}: Partial<Omit<DmaConstraints, "trustIds">> & { readonly trustId?: string }): DmaConstraints {
  return { ...defaultConstraints, ...given, trustIds: trustId === undefined ? [] : [trustId] };
}

/** What a device asks of a buffer's memory. */
export const constraintsOf = (device: DmaDevice): DmaConstraints => device.constraints ?? defaultConstraints;

/**
 * What the DMA API goes by when it joins and checks a device's segments (D-18): what its driver asks for, or 64 KiB and
 * 4 GiB; for a driver that wants contiguous memory and says nothing of size any, as it would tell the DMA API.
 * @see dma_get_max_seg_size, dma_get_seg_boundary, vb2_dma_contig_set_max_seg_size
 */
export function segmentLimitsOf(device: DmaDevice): SegmentLimits {
  const { maxSegmentSize, segmentBoundaryMask, contiguous } = constraintsOf(device);
  const size = contiguous ? LONGEST_SEGMENT : defaultSegmentLimits.maxSegmentSize;
  const mask = defaultSegmentLimits.segmentBoundaryMask;
  return {
    maxSegmentSize: maxSegmentSize === unconstrained.maxSegmentSize ? size : maxSegmentSize,
    segmentBoundaryMask:
      segmentBoundaryMask === unconstrained.segmentBoundaryMask ? mask : segmentBoundaryMask,
  };
}
