// SPDX-License-Identifier: MIT
import {
  type CmaPool,
  type CoreServices,
  type DmaBuf,
  Extents,
  KernelError,
  PAGE_SIZE,
  type Process,
} from "@dmabuf/core";
import { HeapBuffer } from "./heap-buffer.ts";

/**
 * The CMA heap: one contiguous run out of the board's first CMA pool, cleared by the CPU. It begins at a multiple of its
 * own size rounded up to a power of two, of 1 MiB at most (H-8). Throws `KernelError` ENODEV on a board without a pool,
 * ENOMEM when no run is long enough. @see drivers/dma-buf/heaps/cma_heap.c
 */
export function* cmaHeapAllocate(services: CoreServices, size: number): Process<DmaBuf> {
  const { cpu, dmaBuf } = services;
  const ops = cmaHeapBuffer(services, size);
  yield* cpu.settle();
  return dmaBuf.export({ exporterName: "cma", ops, size });
}

/** The memory of such a buffer, and what is done for it; the CPU is charged for clearing. Throws as `cmaHeapAllocate`. */
export function cmaHeapBuffer(services: CoreServices, size: number): HeapBuffer {
  const { memory, cpu } = services;
  const pool = memory.cma.values().next().value;
  if (pool === undefined) {
    const reason = `the board has no CMA pool; give it one, as in pools: [{ kind: "cma", size: "64MiB" }]`;
    throw new KernelError("ENODEV", "cma_heap_allocate", reason);
  }
  const pages = size / PAGE_SIZE;
  const start = pool.allocate(pages, Math.ceil(Math.log2(pages)));
  if (start === null) throw outOfMemory(pool, pages);
  const extents = Extents.of([start, start + size]);
  cpu.access("clear", extents);
  return new HeapBuffer(services, extents, () => pool.free(start, pages));
}

function outOfMemory(pool: CmaPool, pages: number): KernelError {
  const have = `${pool.freePages} of ${pool.pages} are free, ${pool.largestFreeRun} in one piece`;
  const reason = `${pool.name} has no ${pages} contiguous aligned pages: ${have}`;
  return new KernelError("ENOMEM", "cma_heap_allocate", reason);
}
