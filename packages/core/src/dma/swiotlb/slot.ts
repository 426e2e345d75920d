// SPDX-License-Identifier: MIT
import { alignUp } from "../../address.ts";

/** Bytes in a slot, the granule of a bounce buffer. @see IO_TLB_SIZE */
export const SLOT_SIZE = 2048;

/** Slots in a segment, which no mapping leaves: 256 KiB. @see IO_TLB_SEGSIZE */
export const SEGMENT_SLOTS = 128;

/** Bytes of the pool unless the boot says otherwise: 64 MiB. @see IO_TLB_DEFAULT_SIZE */
export const DEFAULT_POOL_SIZE = 64 * 2 ** 20;

/** Slots that hold so many bytes. @see nr_slots */
export const slotsFor = (bytes: number): number => Math.ceil(bytes / SLOT_SIZE);

/**
 * The bits of an address under a mask, both below 2^53: what `&` gives where it sees more than 32 bits.
 *
 * @param mask at most 32 bits.
 */
export const maskedBits = (address: number, mask: number): number => ((address % 2 ** 32) & mask) >>> 0;

/**
 * The largest mapping that a pool can serve, in bytes, whatever is free: a segment less what the device's alignment may
 * make the search skip (D-19). @see swiotlb_max_mapping_size
 */
export const maxMappingSize = (minAlignMask = 0): number =>
  SEGMENT_SLOTS * SLOT_SIZE - alignUp(minAlignMask, SLOT_SIZE);
