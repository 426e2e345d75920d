// SPDX-License-Identifier: MIT
import { type CmaPool, Extents, KernelError, PAGE_SIZE, type PhysicalMemory } from "@dmabuf/core";

/** A run of a carve-out, and how it is given back. */
export interface CarveOutRun {
  readonly extents: Extents;
  free(): void;
}

/**
 * Takes one contiguous run of whole pages out of a carve-out, at the first place where it fits. Throws `KernelError` ENODEV
 * for a carve-out that the board does not have, ENOMEM when no run is long enough. @param size bytes, whole pages
 */
export function takeRun(memory: PhysicalMemory, name: string, size: number): CarveOutRun {
  const pool = memory.carveOuts.get(name);
  if (pool === undefined) {
    throw new KernelError("ENODEV", "carveout_heap_allocate", `the board has no carve-out ${name}`);
  }
  const pages = size / PAGE_SIZE;
  const start = pool.allocate(pages, 0);
  if (start === null) throw outOfMemory(pool, pages);
  return { extents: Extents.of([start, start + size]), free: () => pool.free(start, pages) };
}

function outOfMemory(pool: CmaPool, pages: number): KernelError {
  const have = `${pool.freePages} of ${pool.pages} are free, ${pool.largestFreeRun} in one piece`;
  const reason = `${pool.name} has no ${pages} contiguous pages: ${have}`;
  return new KernelError("ENOMEM", "carveout_heap_allocate", reason);
}
