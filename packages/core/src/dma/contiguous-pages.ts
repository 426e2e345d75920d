// SPDX-License-Identifier: MIT
import { PAGE_SIZE, type PhysAddr } from "../address.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { DMA32_END, type ZoneName } from "../memory/zone.ts";

/** Where contiguous pages came from, and so where they go back to. */
export type ContiguousSource = "pages" | "cma";

/** Where the pages of an allocation came from; scattered ones in blocks, from anywhere (I-12), or from the pool of a device that has one to itself (D-47). */
export type PageSource = ContiguousSource | "scattered" | "restricted";

/** Contiguous pages for a device: the CMA pool for more than a page, else the page allocator (D-32). @see dma_alloc_contiguous */
export class ContiguousPages {
  readonly #memory: PhysicalMemory;

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /**
   * Pages of which `fits` approves, or null. Those that do not fit are given back and the next zone down is tried, as the
   * kernel does with GFP_DMA32.
   */
  take(
    size: number,
    fits: (address: PhysAddr) => boolean,
  ): { address: PhysAddr; source: ContiguousSource } | null {
    const pages = size / PAGE_SIZE;
    const order = orderOf(pages);
    if (pages > 1) {
      for (const pool of this.#memory.cma.values()) {
        const address = pool.allocate(pages, order);
        if (address === null) continue;
        if (fits(address)) return { address, source: "cma" };
        pool.free(address, pages);
      }
    }
    for (const zone of ["normal", "dma32"] as const satisfies readonly ZoneName[]) {
      const address = this.#memory.pages.allocatePages(order, zone);
      if (address === null) continue;
      if (fits(address)) return { address, source: "pages" };
      this.#memory.pages.freePages(address, order);
      if (address < DMA32_END) break;
    }
    return null;
  }

  /** Gives back what `take` returned. */
  give(address: PhysAddr, size: number, source: ContiguousSource): void {
    const pages = size / PAGE_SIZE;
    if (source === "pages") {
      this.#memory.pages.freePages(address, orderOf(pages));
      return;
    }
    for (const pool of this.#memory.cma.values()) {
      if (address < pool.base || address >= pool.base + pool.pages * PAGE_SIZE) continue;
      pool.free(address, pages);
      return;
    }
  }
}

/** The order of the smallest block of the page allocator that holds so many pages. @see get_order */
const orderOf = (pages: number): number => Math.ceil(Math.log2(pages));
