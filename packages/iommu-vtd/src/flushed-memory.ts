// SPDX-License-Identifier: MIT
import { type Cpu, Extents, type PhysAddr } from "@dmabuf/core";
import type { TableMemory } from "@dmabuf/core/iommu";

/**
 * Table memory that is made visible to hardware with the driver's own flushes: on x86 the DMA API does nothing, and VT-d's driver
 * flushes the lines of entries by itself (M-72). @see clflush_cache_range
 */
export class FlushedMemory implements TableMemory {
  readonly #memory: TableMemory;
  readonly #cpu: Pick<Cpu, "flushRange"> | null;

  /** @param cpu whose flushes; null for a driver that forgets them */
  constructor(memory: TableMemory, cpu: Pick<Cpu, "flushRange"> | null) {
    this.#memory = memory;
    this.#cpu = cpu;
  }

  allocate(bytes: number): PhysAddr {
    return this.#memory.allocate(bytes);
  }

  free(address: PhysAddr, bytes: number): void {
    this.#memory.free(address, bytes);
  }

  wrote(address: PhysAddr, bytes: number): void {
    this.#memory.wrote(address, bytes);
  }

  sync(address: PhysAddr, bytes: number): void {
    this.#cpu?.flushRange(Extents.of([address, address + bytes]));
  }

  fetched(address: PhysAddr, bytes: number): void {
    this.#memory.fetched(address, bytes);
  }
}
