// SPDX-License-Identifier: MIT
import { type CmaPool, Extents, KernelError, PAGE_SIZE, type PhysicalMemory } from "@dmabuf/core";
import type { Backing } from "./backing.ts";

/** Memory that the board keeps from the kernel, handed out in contiguous runs: stolen memory, or a card's own (N-14). */
export class CarveOut {
  readonly #region: "stolen" | "local";
  readonly #pool: CmaPool;

  /** Throws `TypeError` when the board has no carve-out of that name. */
  constructor(region: "stolen" | "local", memory: PhysicalMemory, name: string) {
    const pool = memory.carveOuts.get(name);
    if (pool === undefined)
      throw new TypeError(`i915: the board has no carve-out "${name}" (${region} memory)`);
    this.#region = region;
    this.#pool = pool;
  }

  /** Takes a run of whole pages. Throws `KernelError` ENOMEM when none is long enough. */
  allocate(size: number): Backing {
    const pages = size / PAGE_SIZE;
    const start = this.#pool.allocate(pages, 0);
    if (start === null) {
      const reason = `${this.#pool.name} has no ${pages} contiguous pages, ${this.#pool.freePages} are free`;
      throw new KernelError("ENOMEM", "i915_gem_object_create_region", reason);
    }
    return {
      region: this.#region,
      structPages: false,
      extents: Extents.of([start, start + size]),
      free: () => this.#pool.free(start, pages),
    };
  }
}
