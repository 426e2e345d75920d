// SPDX-License-Identifier: MIT
import { DmaSegments } from "./dma-segments.ts";
import type { SgTable } from "./sg-table.ts";

/**
 * The device's view without an IOMMU: entry by entry, never joined (D-23), and with the entries' own lengths.
 * @param offset CPU physical address - bus address. Throws `TypeError` for memory below the device's window.
 */
export function directSegments({ addresses, lengths }: SgTable, offset = 0): DmaSegments {
  const dma = new Float64Array(addresses.length);
  for (let i = 0; i < dma.length; i++) {
    const address = (addresses[i] as number) - offset;
    if (address < 0) throw new TypeError(`entry ${i} is below the device's window`);
    dma[i] = address;
  }
  return new DmaSegments(dma, lengths);
}
