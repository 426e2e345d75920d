// SPDX-License-Identifier: MIT
import {
  busLimit,
  type DmaDevice,
  Extents,
  KernelError,
  PAGE_SIZE,
  type PhysicalMemory,
  physAddr,
} from "@dmabuf/core";

/** Memory of one object, and how it goes back. */
export interface BackingMemory {
  readonly extents: Extents;
  free(): void;
}

/**
 * Memory for an object: single pages, or one piece out of the board's first CMA pool, or on a board without one out of the
 * page allocator, which has 4 MiB at most. A device that sees 32 bits gets nothing above. Throws `KernelError` ENOMEM.
 * @param size bytes, whole pages. @see drm_gem_get_pages, dma_alloc_attrs
 */
export function backingMemory(
  memory: PhysicalMemory,
  device: DmaDevice,
  size: number,
  contiguous: boolean,
): BackingMemory {
  const count = size / PAGE_SIZE;
  const order = Math.ceil(Math.log2(count));
  const pool = contiguous ? memory.cma.values().next().value : undefined;
  if (pool !== undefined) {
    const start = pool.allocate(count, order);
    if (start === null) throw outOfMemory(`${pool.name} has no ${count} contiguous pages`);
    return { extents: Extents.of([start, start + size]), free: () => pool.free(start, count) };
  }
  const zone = device.masks.streaming < 2 ** 32 || busLimit(device.windows) < 2 ** 32 ? "dma32" : "normal";
  const each = contiguous ? order : 0;
  const starts: number[] = [];
  const free = (): void => {
    for (const start of starts) memory.pages.freePages(physAddr(start), each);
  };
  for (let i = 0; i < (contiguous ? 1 : count); i++) {
    const page = memory.pages.allocatePages(each, zone);
    if (page === null) {
      free();
      throw outOfMemory(`no ${contiguous ? `${count} contiguous pages are` : "page is"} left`);
    }
    starts.push(page);
  }
  const bytes = contiguous ? size : PAGE_SIZE;
  return {
    extents: Extents.each(
      starts,
      starts.map((start) => start + bytes),
    ),
    free,
  };
}

const outOfMemory = (reason: string): KernelError => new KernelError("ENOMEM", "drm_gem_create", reason);
