// SPDX-License-Identifier: MIT
import type { SgMapping } from "../dma/mapping.ts";

/**
 * Bytes from the start of a mapping that are one range for its device: entry after entry until one that does not begin
 * where the last one ended, or is empty (G-6). Buffers for engines without a segment list must have all of them.
 * @see drm_prime_get_contiguous_size
 */
export function contiguousSize({ dmaAddresses, dmaLengths, nents }: SgMapping): number {
  let size = 0;
  let expected = dmaAddresses[0];
  for (let i = 0; i < nents && dmaAddresses[i] === expected; i++) {
    const length = dmaLengths[i] as number;
    if (length === 0) break;
    size += length;
    expected = (dmaAddresses[i] as number) + length;
  }
  return size;
}
