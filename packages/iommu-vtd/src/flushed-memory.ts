// SPDX-License-Identifier: MIT
import type { PhysAddr } from "@dmabuf/core";
import type { TableMemory } from "@dmabuf/core/iommu";

/** Table memory that a driver makes visible to hardware by flushing lines, or forgets to (M-72). @see clflush_cache_range */
export class FlushedMemory implements TableMemory {
  readonly #memory: TableMemory;
  readonly #flushes: boolean;

  /** @param flushes false for a driver that forgets it */
  constructor(memory: TableMemory, flushes: boolean) {
    this.#memory = memory;
    this.#flushes = flushes;
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
    if (this.#flushes) this.#memory.sync(address, bytes);
  }

  fetched(address: PhysAddr, bytes: number): void {
    this.#memory.fetched(address, bytes);
  }
}
