// SPDX-License-Identifier: MIT
import { type DmaAddr, dmaAddr } from "../../address.ts";

/** Output segments that are addresses on the bus itself; most lists have none. */
const NONE: ReadonlySet<number> = new Set();

/**
 * A scatterlist as its device sees it: what `dma_map_sgtable` filled in. Flat arrays, 12 bytes a segment, and as many
 * segments as there are, not as many as the list has entries (D-7). @see sg_dma_address, sg_dma_len
 */
export class DmaSegments {
  /** Bus address of each segment. */
  readonly addresses: Float64Array;
  /** Bytes of each segment (`sg_dma_len`), below 4 GiB. */
  readonly lengths: Uint32Array;
  /** The segments that are peer-to-peer addresses on the bus, past every IOMMU (D-24). @see sg_dma_is_bus_address */
  readonly bus: ReadonlySet<number>;

  /** Throws `TypeError` for arrays of different lengths. */
  constructor(addresses: Float64Array, lengths: Uint32Array, bus: ReadonlySet<number> = NONE) {
    if (addresses.length !== lengths.length) {
      throw new TypeError(`${addresses.length} DMA addresses, ${lengths.length} DMA lengths`);
    }
    this.addresses = addresses;
    this.lengths = lengths;
    this.bus = bus;
  }

  /** Number of segments: `nents`. */
  get count(): number {
    return this.addresses.length;
  }

  /** The bus address of a segment, or null past the last one, where the kernel has all ones. */
  address(segment: number): DmaAddr | null {
    const address = this.addresses[segment];
    return address === undefined ? null : dmaAddr(address);
  }

  /** Bytes of a segment, or 0 past the last one. */
  length(segment: number): number {
    return this.lengths[segment] ?? 0;
  }
}
