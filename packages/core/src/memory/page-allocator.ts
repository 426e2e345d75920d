// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";
import { BuddyAllocator } from "./buddy-allocator.ts";
import { MAX_PAGE_ORDER } from "./page-frame.ts";
import { Scatter, type ScatterOptions } from "./scatter.ts";
import { DMA32_END, type ZoneName, zoneOf } from "./zone.ts";

/**
 * The page allocator: a buddy allocator for each zone, and the order in which a request tries them. Boards without RAM
 * above 4 GiB have the DMA32 zone only. There are no watermarks, no reserve kept back in the lower zone, no reclaim and no
 * migration: a request fails when no free block is large enough.
 * @see alloc_pages, ZONE_DMA32
 */
export class PageAllocator {
  readonly #zones: Readonly<Record<ZoneName, BuddyAllocator>>;

  /** @param ranges page-aligned free RAM, pairs of start and end, ascending and disjoint. */
  constructor(ranges: readonly (readonly [start: number, end: number])[], scatter?: ScatterOptions) {
    const within = (low: number, high: number) =>
      ranges
        .map(([start, end]) => [Math.max(start, low), Math.min(end, high)] as const)
        .filter(([start, end]) => start < end);
    const places = scatter === undefined ? undefined : new Scatter(scatter);
    this.#zones = {
      dma32: new BuddyAllocator(within(0, DMA32_END), places),
      normal: new BuddyAllocator(within(DMA32_END, Number.POSITIVE_INFINITY), places),
    };
  }

  /**
   * 2^order contiguous pages, aligned to their size, or null when there are none, as for every order above 10.
   * `zone` is the highest that will do: `normal` (the default) falls back to DMA32, `dma32` (GFP_DMA32) takes nothing else.
   * Throws `TypeError` for an order that is not a whole number from 0.
   * @see alloc_pages, gfp_zone
   */
  allocatePages(order: number, zone: ZoneName = "normal"): PhysAddr | null {
    if (!Number.isInteger(order) || order < 0) throw new TypeError(`not an order: ${order}`);
    if (order > MAX_PAGE_ORDER) return null;
    const { dma32, normal } = this.#zones;
    return (zone === "normal" ? normal.allocate(order) : null) ?? dma32.allocate(order);
  }

  /**
   * Gives back what `allocatePages` returned for the same order. Throws `TypeError` for a second free, another order or a
   * foreign address.
   * @see __free_pages
   */
  freePages(address: PhysAddr, order: number): void {
    this.#zones[zoneOf(address)].free(address, order);
  }

  /** Free pages of a zone, or of all. @see nr_free_pages */
  freePageCount(zone?: ZoneName): number {
    if (zone !== undefined) return this.#zones[zone].freePageCount;
    return this.#zones.dma32.freePageCount + this.#zones.normal.freePageCount;
  }

  /** Pages that a zone, or all, handed out and has free; reservations and CMA pools are not among them. */
  pageCount(zone?: ZoneName): number {
    if (zone !== undefined) return this.#zones[zone].totalPages;
    return this.#zones.dma32.totalPages + this.#zones.normal.totalPages;
  }

  /** Free blocks of exactly one order in a zone, as in `/proc/buddyinfo`: how fragmented it is. */
  freeBlocks(order: number, zone: ZoneName): number {
    return this.#zones[zone].freeBlocks(order);
  }
}
