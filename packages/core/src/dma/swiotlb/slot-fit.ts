// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE } from "../../address.ts";
import { maskedBits, SLOT_SIZE, slotsFor } from "./slot.ts";
import type { SlotRequest } from "./slot-request.ts";

const ALL_32_BITS = 0xffffffff;

/**
 * Where a request's slots may begin: the masks of a request, worked out for a pool (D-41). Addresses that are tested are
 * those on the bus, within the device's segment boundary. @see swiotlb_search_pool_area
 */
export class SlotFit {
  /** Bytes of the allocation: the mapping, what comes before it to keep its offset, and what rounds its end up. */
  readonly bytes: number;
  /** Number of slots. */
  readonly count: number;
  /** Bytes from the allocation's beginning to the mapping's. */
  readonly offset: number;
  /** Distance of places that the masks can tell apart, in slots. */
  readonly stride: number;
  readonly #base: number;
  readonly #zeroes: number;
  readonly #kept: number;
  readonly #original: number;
  readonly #boundary: number;

  /** @param start physical address of the pool. Throws `TypeError` for a size below 1 or a boundary that is not all ones. */
  constructor(start: number, request: SlotRequest) {
    const { original, size, minAlignMask = 0, allocAlignMask = 0, dmaOffset = 0 } = request;
    const boundary = (request.boundaryMask ?? ALL_32_BITS) + 1;
    if (!(Number.isSafeInteger(size) && size > 0)) throw new TypeError(`not a size to map: ${size}`);
    if (!Number.isInteger(Math.log2(boundary)))
      throw new TypeError(`segment boundary mask 0x${(boundary - 1).toString(16)} is not all ones`);
    // The bits below a slot can be kept inside of it, those of the allocation's own alignment by padding it.
    this.offset = maskedBits(original, maskedBits(minAlignMask, allocAlignMask | (SLOT_SIZE - 1)));
    this.bytes = alignUp(size + this.offset, allocAlignMask + 1);
    this.count = slotsFor(this.bytes);
    const isHistoric = allocAlignMask === 0 && minAlignMask === 0 && this.bytes >= PAGE_SIZE;
    this.#zeroes = ((isHistoric ? PAGE_SIZE - 1 : allocAlignMask) | (SLOT_SIZE - 1)) >>> 0;
    this.#kept = original === 0 ? 0 : (minAlignMask & ~this.#zeroes) >>> 0;
    const significant = Math.max(this.#zeroes, (minAlignMask & ~this.#zeroes) >>> 0);
    this.stride = Math.floor(significant / SLOT_SIZE) + 1;
    this.#original = maskedBits(original, this.#kept);
    this.#boundary = boundary;
    this.#base = (start - dmaOffset) % boundary;
  }

  /** Whether the allocation's first slot may be this one, as far as masks can say. */
  isAligned(slot: number): boolean {
    const address = this.#base + slot * SLOT_SIZE;
    return maskedBits(address, this.#zeroes) === 0 && maskedBits(address, this.#kept) === this.#original;
  }

  /** Whether an allocation that begins here would cross the device's segment boundary. @see iommu_is_span_boundary */
  crossesBoundary(slot: number): boolean {
    const slots = Math.floor((this.#boundary - 1) / SLOT_SIZE) + 1;
    return ((slotsFor(this.#base) + slot) % slots) + this.count > slots;
  }

  /** Whether no segment and no boundary has room for so many slots. */
  get isTooLarge(): boolean {
    return this.count > Math.floor((this.#boundary - 1) / SLOT_SIZE) + 1;
  }
}
