// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../../address.ts";

/** What a mapping asks of the pool: which memory it stands for, and what the device wants of addresses. */
export interface SlotRequest {
  /** First byte of the memory that the device cannot use itself. */
  readonly original: PhysAddr;
  /** Bytes to be mapped, at least 1. */
  readonly size: number;
  /**
   * Bits of the original's address that the bounce buffer's address must have too; default none. An original at 0 asks
   * for none above the slot's own bits. @see dma_get_min_align_mask
   */
  readonly minAlignMask?: number;
  /** Bits in which the allocation must begin with zeroes; default none. IOMMU mappings ask for their granule (I-7). */
  readonly allocAlignMask?: number;
  /** A multiple of this, plus 1, is what no mapping crosses on the bus: all ones, default 32 bits. @see dma_get_seg_boundary */
  readonly boundaryMask?: number;
  /** CPU physical address - bus address of the device; default 0. */
  readonly dmaOffset?: number;
  /** The CPU that asks, whose area is searched first; default 0. */
  readonly cpu?: number;
}

/** Slots that a mapping got. */
export interface SlotRange {
  /** Where the bounce buffer's first byte is. @see swiotlb_tbl_map_single */
  readonly address: PhysAddr;
  /** First slot of the allocation, and how many it has, padding slots included. */
  readonly first: number;
  readonly count: number;
  /** Slots before the one that `address` lies in: they keep the offset and hold no data (D-41). */
  readonly padding: number;
  /** Bytes of the allocation from its first slot on, padding and alignment included. */
  readonly bytes: number;
}

/**
 * Why there are none: `too-large` for more slots than a segment, or the boundary, has room for, which no free pool could
 * serve either; `full` where they are not free, or not at a fitting place (D-45).
 */
export type SlotRefusal = "too-large" | "full";
