// SPDX-License-Identifier: MIT
import { type CoreServices, Extents, KernelError, PAGE_SIZE, type PhysAddr, physAddr } from "@dmabuf/core";
import type { Backing } from "./backing.ts";

/** Where the content of the pages is. */
type Place = "nowhere" | "memory" | "swap";

/**
 * Pages of a shmem file: they come to be when somebody first needs them, all at once, cleared by the CPU, which leaves
 * them dirty in its cache. In swap they keep their content, and come back anywhere. @see i915_gem_shmem.c
 */
export class ShmemBacking implements Backing {
  readonly region = "system";
  readonly structPages = true;
  readonly #services: CoreServices;
  readonly #size: number;
  #place: Place = "nowhere";
  #extents: Extents | null = null;

  /** Without pages. */
  constructor(services: CoreServices, size: number) {
    this.#services = services;
    this.#size = size;
  }

  /** Whether its pages are in swap. */
  get swappedOut(): boolean {
    return this.#place === "swap";
  }

  get extents(): Extents {
    if (this.#extents === null) {
      const extents = this.#allocate();
      // What comes out of swap is written by the CPU, like zeroes: through its cache.
      this.#services.cpu.access(this.#place === "swap" ? "write" : "clear", extents);
      this.#place = "memory";
      this.#extents = extents;
    }
    return this.#extents;
  }

  /** Writes the pages to swap, which reads them through the CPU's cache, and gives them back. */
  swapOut(): void {
    if (this.#extents === null) return;
    this.#services.cpu.access("read", this.#extents);
    this.#release();
    this.#place = "swap";
  }

  free(): void {
    this.#release();
    this.#place = "nowhere";
  }

  #release(): void {
    const { pairs } = this.#extents ?? { pairs: [] };
    for (let i = 0; i < pairs.length; i += 2) {
      for (let page = pairs[i] as number; page < (pairs[i + 1] as number); page += PAGE_SIZE) {
        this.#services.memory.pages.freePages(physAddr(page), 0);
      }
    }
    this.#extents = null;
  }

  #allocate(): Extents {
    const { pages } = this.#services.memory;
    const taken: PhysAddr[] = [];
    const count = this.#size / PAGE_SIZE;
    while (taken.length < count) {
      const page = pages.allocatePages(0);
      if (page === null) {
        for (const got of taken) pages.freePages(got, 0);
        const reason = `no free page is left, ${count - taken.length} of ${count} are missing`;
        throw new KernelError("ENOMEM", "i915_gem_object_get_pages", reason);
      }
      taken.push(page);
    }
    return inOrder(taken);
  }
}

/** Pages as ranges, neighbours joined. */
function inOrder(pages: readonly PhysAddr[]): Extents {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const page of pages) {
    if (ends.at(-1) === page) ends[ends.length - 1] = page + PAGE_SIZE;
    else {
      starts.push(page);
      ends.push(page + PAGE_SIZE);
    }
  }
  return Extents.each(starts, ends);
}
