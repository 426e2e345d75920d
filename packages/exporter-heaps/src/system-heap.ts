// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  Extents,
  KernelError,
  PAGE_SIZE,
  type PhysAddr,
  type PhysicalMemory,
  type Process,
  physAddr,
} from "@dmabuf/core";
import { HeapBuffer } from "./heap-buffer.ts";

/** Orders that the heap asks for, largest first: 1 MiB, 64 KiB, a page (H-3). */
const ORDERS = [8, 4, 0] as const;

/**
 * The system heap: scattered pages in chunks as large as there are, each chunk one entry of the scatterlist, all of them
 * cleared by the CPU. Once a size has failed, larger ones are not tried again for this buffer. Throws `KernelError` ENOMEM,
 * and gives everything back, when the pages do not suffice (H-3).
 * @see drivers/dma-buf/heaps/system_heap.c
 */
export function* systemHeapAllocate(services: CoreServices, size: number): Process<DmaBuf> {
  const { cpu, dmaBuf } = services;
  const ops = systemHeapBuffer(services, size);
  yield* cpu.settle();
  return dmaBuf.export({ exporterName: "system", ops, size });
}

/** The memory of such a buffer, and what is done for it; the CPU is charged for clearing. Throws as `systemHeapAllocate`. */
export function systemHeapBuffer(services: CoreServices, size: number): HeapBuffer {
  const { memory, cpu } = services;
  const chunks: PhysAddr[] = [];
  const orders: number[] = [];
  let remaining = size / PAGE_SIZE;
  for (let most = 0; remaining > 0; ) {
    const order = ORDERS[most];
    if (order === undefined) {
      freeChunks(memory, chunks, orders);
      const reason = `no free page is left, ${remaining * PAGE_SIZE} of ${size} bytes are missing`;
      throw new KernelError("ENOMEM", "system_heap_allocate", reason);
    }
    const chunk = 2 ** order > remaining ? null : memory.pages.allocatePages(order);
    if (chunk === null) {
      most++;
      continue;
    }
    chunks.push(chunk);
    orders.push(order);
    remaining -= 2 ** order;
  }
  const ends = chunks.map((chunk, i) => chunk + 2 ** (orders[i] as number) * PAGE_SIZE);
  const extents = Extents.each(chunks, ends);
  cpu.access("clear", extents);
  const sizes = Uint8Array.from(orders);
  return new HeapBuffer(services, extents, () => freeChunks(memory, extents.starts, sizes));
}

function freeChunks(memory: PhysicalMemory, chunks: ArrayLike<number>, orders: ArrayLike<number>): void {
  for (let i = 0; i < chunks.length; i++) {
    memory.pages.freePages(physAddr(chunks[i] as number), orders[i] as number);
  }
}
