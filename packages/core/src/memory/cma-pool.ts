// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE, type PhysAddr } from "../address.ts";
import { IntervalMap } from "./interval-map.ts";
import { frameAddress, frameNumber } from "./page-frame.ts";

/** Order to which a large allocation from a pool is aligned at most. @see CONFIG_CMA_ALIGNMENT */
const CMA_ALIGNMENT_ORDER = 8;

const FREE = 0;
const USED = 1;

/**
 * A pool of RAM for contiguous buffers. The pages are the pool's alone: that Linux lends free ones to movable
 * allocations, and that taking them back can be slow or fail, is not modelled.
 * @see cma_alloc
 */
export class CmaPool {
  readonly name: string;
  readonly base: PhysAddr;
  /** Number of pages in the pool. */
  readonly pages: number;
  // By page frame number, so that alignment is that of the address, wherever the pool begins.
  readonly #frames: IntervalMap;
  #freePages: number;

  /** @param base page-aligned. @param pages at least one. */
  constructor(name: string, base: PhysAddr, pages: number) {
    this.name = name;
    this.base = base;
    this.pages = pages;
    this.#frames = new IntervalMap(frameNumber(base), frameNumber(base) + pages, FREE);
    this.#freePages = pages;
  }

  /** Pages that are free, however scattered. */
  get freePages(): number {
    return this.#freePages;
  }

  /** Pages in the longest free run: an aligned allocation may need more than its own size. */
  get largestFreeRun(): number {
    let largest = 0;
    this.forEachFreeRun((_, pages) => {
      largest = Math.max(largest, pages);
    });
    return largest;
  }

  /**
   * The first `pages` contiguous free pages that begin at a multiple of 2^alignOrder pages, or null. The order is capped
   * at 8, as by the kernel's callers, which pass the order of the size. Throws `TypeError` unless both are whole numbers, pages
   * from 1 and the order from 0.
   * @see cma_alloc, dma_alloc_contiguous
   */
  allocate(pages: number, alignOrder: number): PhysAddr | null {
    if (!Number.isSafeInteger(pages) || pages < 1) throw new TypeError(`not a number of pages: ${pages}`);
    if (!Number.isInteger(alignOrder) || alignOrder < 0) throw new TypeError(`not an order: ${alignOrder}`);
    const alignment = 2 ** Math.min(alignOrder, CMA_ALIGNMENT_ORDER);
    const frames = this.#frames;
    for (let at = frames.start; at < frames.end; ) {
      const runEnd = frames.runEnd(at);
      const first = alignUp(at, alignment);
      if (first + pages <= runEnd && frames.at(at) === FREE) {
        frames.set(first, first + pages, USED);
        this.#freePages -= pages;
        return frameAddress(first);
      }
      at = runEnd;
    }
    return null;
  }

  /**
   * Gives back `pages` pages from `address`, all or part of what was allocated, as `cma_release` allows. Throws `TypeError`
   * when one of them is free already, or not in the pool.
   */
  free(address: PhysAddr, pages: number): void {
    const first = address / PAGE_SIZE;
    const { start, end } = this.#frames;
    const inside = Number.isInteger(first) && Number.isInteger(pages) && pages > 0;
    if (!inside || first < start || first + pages > end) {
      throw new TypeError(
        `${pages} pages at 0x${address.toString(16)} are not pages of the pool ${this.name}`,
      );
    }
    this.#frames.update(first, first + pages, (state) => {
      if (state === USED) return FREE;
      throw new TypeError(
        `cannot free ${pages} pages at 0x${address.toString(16)} of ${this.name}: some are free`,
      );
    });
    this.#freePages += pages;
  }

  /**
   * Calls `visit` for each free run, ascending, with its address and length in pages: what the kernel logs as
   * `16@272+96@416` when an allocation fails.
   * @see cma_debug_show_areas
   */
  forEachFreeRun(visit: (address: PhysAddr, pages: number) => void): void {
    this.#frames.forEach(this.#frames.start, this.#frames.end, (state, start, end) => {
      if (state === FREE) visit(frameAddress(start), end - start);
    });
  }
}
