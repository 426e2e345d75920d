// SPDX-License-Identifier: MIT
import type { SgMapping } from "@dmabuf/core";

/** How many scatterlist entries a request has, in the two views of a mapping. */
export interface RequestEntries {
  /** Counted in the CPU's lengths, as 6.12 does. @see sg_nents_for_len */
  readonly cpu: number;
  /** Counted in the lengths that the device sees: what the controller walks. */
  readonly dma: number;
}

/**
 * Counts the entries that [offset, offset + length) touches. The two views differ when the mapping has coalesced ranges,
 * as an IOMMU does, and then the CPU's count is wrong for the controller (FF-5).
 */
export function requestEntries(mapping: SgMapping, offset: number, length: number): RequestEntries {
  const { extents, dmaLengths, nents } = mapping;
  const { pairs } = extents;
  const end = offset + length;
  return {
    cpu: touched(extents.count, (i) => (pairs[i * 2 + 1] as number) - (pairs[i * 2] as number), offset, end),
    dma: touched(nents, (i) => dmaLengths[i] as number, offset, end),
  };
}

function touched(count: number, lengthOf: (entry: number) => number, start: number, end: number): number {
  let entries = 0;
  let at = 0;
  for (let i = 0; i < count && at < end; i++) {
    const next = at + lengthOf(i);
    if (next > start) entries++;
    at = next;
  }
  return entries;
}
