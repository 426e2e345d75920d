// SPDX-License-Identifier: MIT
import { constraintsOf } from "./dma-constraints.ts";
import type { DmaDevice } from "./dma-device.ts";

/** An entry of a scatterlist that its device does not take. */
export interface OutsizeEntry {
  /** Which one, counted from 0. */
  readonly entry: number;
  /** What it breaks: it is longer than the bound, or crosses a multiple of it. */
  readonly why: "longer" | "crosses";
  /** Bytes. */
  readonly bound: number;
}

/**
 * The mapped entries that break what the device's driver has told the DMA API. A driver that has told nothing is
 * not held to Linux's defaults, since nobody knows here whether it would have. @see check_sg_segment
 */
export function outsizeEntries(
  device: DmaDevice,
  addresses: Float64Array,
  lengths: Float64Array,
  nents: number,
): OutsizeEntry[] {
  const { maxSegmentSize, segmentBoundaryMask } = constraintsOf(device);
  const boundary = segmentBoundaryMask + 1;
  const found: OutsizeEntry[] = [];
  for (let entry = 0; entry < nents; entry++) {
    const start = addresses[entry] as number;
    const length = lengths[entry] as number;
    if (length > maxSegmentSize) found.push({ entry, why: "longer", bound: maxSegmentSize });
    if (Math.floor(start / boundary) !== Math.floor((start + length - 1) / boundary))
      found.push({ entry, why: "crosses", bound: boundary });
  }
  return found;
}
