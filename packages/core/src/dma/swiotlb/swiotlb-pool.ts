// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE, type PhysAddr, physAddr } from "../../address.ts";
import { DEFAULT_POOL_SIZE, SEGMENT_SLOTS, SLOT_SIZE, slotsFor } from "./slot.ts";
import { SlotFit } from "./slot-fit.ts";
import { SlotList } from "./slot-list.ts";
import type { SlotRange, SlotRefusal, SlotRequest } from "./slot-request.ts";

/** What a pool is made with. */
export interface SwiotlbPoolOptions {
  /** Bytes; default 64 MiB. Rounded up to a power of two of whole segments, one for each area at least. */
  readonly size?: number;
  /** CPUs of the machine; default 1. There is an area for each, rounded up to a power of two. */
  readonly cpus?: number;
}

/** The smallest power of two that is not below a number. */
const powerOfTwoFrom = (value: number): number => 2 ** Math.ceil(Math.log2(value));

/**
 * A pool of bounce buffers: slots of 2 KiB in segments of 128 that no mapping leaves, searched area by area (D-40, D-41).
 * What a rule does not say (the way of the search: from where the area's last one ended, round and back, by the alignment's
 * stride) is as in 6.12. The lock of an area and growing pools are not modelled: the model runs one task at a time.
 * @see io_tlb_pool, swiotlb_find_slots
 */
export class SwiotlbPool {
  readonly start: PhysAddr;
  /** Address past the last byte. */
  readonly end: PhysAddr;
  /** Number of slots, and of areas that share them equally. */
  readonly slots: number;
  readonly areas: number;
  readonly #list: SlotList;
  /** Where the search of each area goes on, in slots from its beginning. */
  readonly #next: Uint32Array;
  readonly #used: Uint32Array;
  /** Number of slots of the allocation that begins with a slot; 0 elsewhere. */
  readonly #lengths: Uint8Array;

  /** Throws `TypeError` for a start that is not page-aligned, and for a size or number of CPUs below 1. */
  constructor(start: PhysAddr, { size = DEFAULT_POOL_SIZE, cpus = 1 }: SwiotlbPoolOptions = {}) {
    if (start % PAGE_SIZE !== 0) throw new TypeError(`pool at 0x${start.toString(16)} is not page-aligned`);
    if (!(size >= 1)) throw new TypeError(`not a pool size: ${size}`);
    if (!(cpus >= 1)) throw new TypeError(`not a number of CPUs: ${cpus}`);
    this.start = start;
    this.areas = powerOfTwoFrom(cpus);
    this.slots = powerOfTwoFrom(Math.max(alignUp(slotsFor(size), SEGMENT_SLOTS), this.areas * SEGMENT_SLOTS));
    this.end = physAddr(start + this.slots * SLOT_SIZE);
    this.#list = new SlotList(this.slots);
    this.#next = new Uint32Array(this.areas);
    this.#used = new Uint32Array(this.areas);
    this.#lengths = new Uint8Array(this.slots);
  }

  /** Slots in use, padding included. */
  get used(): number {
    return this.#used.reduce((sum, used) => sum + used, 0);
  }

  /** Whether an address lies in the pool. @see is_swiotlb_buffer */
  holds(address: number): boolean {
    return address >= this.start && address < this.end;
  }

  /** Free slots from this one to the end of its free run; 0 for a used one. For tests and listings. */
  freeFrom(slot: number): number {
    return this.#list.freeFrom(slot);
  }

  /** Where the next search of an area begins, in slots from its beginning. */
  nextOf(area: number): number {
    return this.#next[area] as number;
  }

  /**
   * Takes slots for a mapping, or says why it cannot. Throws `TypeError` for a size below 1 and a boundary mask that is
   * not all ones. @see swiotlb_tbl_map_single
   */
  allocate(request: SlotRequest): SlotRange | SlotRefusal {
    const fit = new SlotFit(this.start, request);
    if (fit.count > SEGMENT_SLOTS || fit.isTooLarge) return "too-large";
    const own = (request.cpu ?? 0) % this.areas;
    for (let i = 0; i < this.areas; i++) {
      const area = (own + i) % this.areas;
      const first = this.#search(area, fit);
      if (first < 0) continue;
      this.#take(area, first, fit.count);
      const { offset, bytes, count } = fit;
      const padding = Math.floor(offset / SLOT_SIZE);
      return { address: physAddr(this.start + first * SLOT_SIZE + offset), first, count, padding, bytes };
    }
    return "full";
  }

  /** Gives the slots of a mapping back; throws `TypeError` unless they were allocated as they are. @see swiotlb_release_slots */
  release({ first, count }: SlotRange): void {
    if (this.#lengths[first] !== count || count === 0)
      throw new TypeError(`slots [${first}, ${first + count}) were not allocated together`);
    this.#lengths[first] = 0;
    this.#list.give(first, count);
    const area = Math.floor(first / this.#areaSlots);
    this.#used[area] = (this.#used[area] as number) - count;
  }

  get #areaSlots(): number {
    return this.slots / this.areas;
  }

  /** The first fitting slot of an area in the order of its search, or -1. */
  #search(area: number, fit: SlotFit): number {
    const size = this.#areaSlots;
    if (fit.count > size - (this.#used[area] as number)) return -1;
    let at = this.nextOf(area);
    for (let seen = 0; seen < size; ) {
      const slot = area * size + at;
      const aligned = fit.isAligned(slot);
      if (aligned && this.#list.freeFrom(slot) >= fit.count && !fit.crossesBoundary(slot)) return slot;
      const step = aligned ? fit.stride : 1;
      seen += step;
      // Past the end the search goes on at the very beginning, not by the part of the stride that is left.
      at = at + step >= size ? 0 : at + step;
    }
    return -1;
  }

  #take(area: number, first: number, count: number): void {
    const size = this.#areaSlots;
    this.#list.take(first, count);
    this.#lengths[first] = count;
    this.#used[area] = (this.#used[area] as number) + count;
    const after = (first % size) + count;
    this.#next[area] = after >= size ? 0 : after;
  }
}
