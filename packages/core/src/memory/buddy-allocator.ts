// SPDX-License-Identifier: MIT
import { alignDown, alignUp, PAGE_SIZE, type PhysAddr } from "../address.ts";
import { IndexSet } from "./index-set.ts";
import { MAX_PAGE_ORDER } from "./page-frame.ts";
import type { Scatter } from "./scatter.ts";

/** Pages and bytes of the largest block: no two blocks ever join across such a boundary. */
const SECTION_PAGES = 2 ** MAX_PAGE_ORDER;
const SECTION = SECTION_PAGES * PAGE_SIZE;

/**
 * The binary buddy allocator of one zone. A block of order n is 2^n pages, aligned to its own size; a freed block joins
 * its free buddy as far as that goes, up to order 10.
 *
 * Among the smallest blocks that suffice, the one with the lowest address is taken, and the lower half when it is split.
 * Linux takes the block that was freed last, and single pages through lists of each CPU: which addresses come out is not
 * reproduced, sizes, alignment, splitting and joining are. In return the free blocks depend on what is allocated only, never
 * on the history, and the state is about four bits a page.
 * @see __rmqueue_smallest, __free_one_page
 */
export class BuddyAllocator {
  /** Pages that the allocator manages. */
  readonly totalPages: number;
  #freeCount = 0;
  // Blocks are numbered through all spans, gaps between spans left out: span i covers the pages from #firsts[i] on.
  readonly #bases: number[] = [];
  readonly #firsts: number[] = [];
  readonly #pages: number;
  readonly #free: readonly IndexSet[];
  readonly #used: readonly IndexSet[];
  readonly #scatter: Scatter | undefined;

  /**
   * @param ranges page-aligned free memory, pairs of start and end, ascending and disjoint
   * @param scatter where to take blocks from instead of the lowest address
   */
  constructor(ranges: readonly (readonly [start: number, end: number])[], scatter?: Scatter) {
    let pages = 0;
    let spanEnd = -1;
    for (const [start, end] of ranges) {
      const base = Math.max(alignDown(start, SECTION), spanEnd);
      if (base !== spanEnd) {
        this.#bases.push(base);
        this.#firsts.push(pages);
      }
      spanEnd = alignUp(end, SECTION);
      pages += (spanEnd - base) / PAGE_SIZE;
    }
    this.#pages = pages;
    this.#free = Array.from({ length: MAX_PAGE_ORDER + 1 }, (_, order) => new IndexSet(pages >>> order));
    this.#used = Array.from({ length: MAX_PAGE_ORDER + 1 }, (_, order) => new IndexSet(pages >>> order));
    this.#scatter = scatter;
    for (const [start, end] of ranges) this.#addRange(this.#pageAt(start), (end - start) / PAGE_SIZE);
    this.totalPages = this.#freeCount;
  }

  /** Pages that are free. @see nr_free_pages */
  get freePageCount(): number {
    return this.#freeCount;
  }

  /** Number of free blocks of exactly this order, as in `/proc/buddyinfo`. */
  freeBlocks(order: number): number {
    return this.#free[order]?.size ?? 0;
  }

  /** A block of 2^order pages, order 0 to 10, or null when there is none. */
  allocate(order: number): PhysAddr | null {
    let from = order;
    while (from <= MAX_PAGE_ORDER && this.freeBlocks(from) === 0) from++;
    if (from > MAX_PAGE_ORDER) return null;
    const scatter = this.#scatter;
    let block: number;
    if (scatter === undefined || from < scatter.order) {
      const free = this.#free[from] as IndexSet;
      block = free.next(0);
      free.delete(block);
    } else {
      from = Math.max(order, scatter.order);
      block = this.#takeNear(scatter.draw(this.#pages), from);
    }
    while (from > order) {
      block *= 2;
      (this.#free[--from] as IndexSet).add(block + 1);
    }
    (this.#used[order] as IndexSet).add(block);
    this.#freeCount -= 2 ** order;
    return this.#addressOf(block * 2 ** order);
  }

  /**
   * Gives a block back. Throws `TypeError` unless exactly this block is allocated: for a second free, for another order,
   * and for an address that is not from here.
   */
  free(address: PhysAddr, order: number): void {
    const page = this.#pageAt(address);
    const used = this.#used[order];
    if (used === undefined || page % 2 ** order !== 0 || !used.has(page >>> order)) {
      throw new TypeError(`cannot free order ${order} at 0x${address.toString(16)}: ${this.#status(page)}`);
    }
    used.delete(page >>> order);
    this.#release(page >>> order, order);
  }

  #status(page: number): string {
    const order = this.#used.findIndex((used, o) => page % 2 ** o === 0 && used.has(page >>> o));
    return order >= 0 ? `it was allocated with order ${order}` : "no allocated block begins there";
  }

  #release(block: number, order: number): void {
    this.#freeCount += 2 ** order;
    let joined = block;
    let o = order;
    for (; o < MAX_PAGE_ORDER; o++) {
      const free = this.#free[o] as IndexSet;
      if (!free.has(joined ^ 1)) break;
      free.delete(joined ^ 1);
      joined >>>= 1;
    }
    (this.#free[o] as IndexSet).add(joined);
  }

  /** Takes the block of this order that holds `page`, or if that is not free the next one, out of what free block it is in. */
  #takeNear(page: number, order: number): number {
    let start = Number.POSITIVE_INFINITY;
    let o = order;
    for (let candidate = order; candidate <= MAX_PAGE_ORDER; candidate++) {
      const block = (this.#free[candidate] as IndexSet).next(page >>> candidate);
      if (block >= 0 && block * 2 ** candidate < start) {
        start = block * 2 ** candidate;
        o = candidate;
      }
    }
    if (start === Number.POSITIVE_INFINITY) return this.#takeNear(0, order);
    const target = Math.max(start, page);
    (this.#free[o] as IndexSet).delete(start >>> o);
    while (o > order) {
      o--;
      (this.#free[o] as IndexSet).add((target >>> o) ^ 1);
    }
    return target >>> order;
  }

  /** Frees `count` pages from `page` on in the largest aligned blocks they consist of. @see memblock_free_all */
  #addRange(page: number, count: number): void {
    const end = page + count;
    for (let at = page; at < end; ) {
      let order = MAX_PAGE_ORDER;
      while (at % 2 ** order !== 0 || at + 2 ** order > end) order--;
      this.#release(at >>> order, order);
      at += 2 ** order;
    }
  }

  /** Number of the page at `address`, or -1 where there is none. */
  #pageAt(address: number): number {
    const span = this.#bases.findLastIndex((base) => base <= address);
    if (span < 0) return -1;
    const page = (this.#firsts[span] as number) + (address - (this.#bases[span] as number)) / PAGE_SIZE;
    return Number.isInteger(page) && page < (this.#firsts[span + 1] ?? this.#pages) ? page : -1;
  }

  #addressOf(page: number): PhysAddr {
    const span = this.#firsts.findLastIndex((first) => first <= page);
    return ((this.#bases[span] as number) + (page - (this.#firsts[span] as number)) * PAGE_SIZE) as PhysAddr;
  }
}
