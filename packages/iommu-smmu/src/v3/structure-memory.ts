// SPDX-License-Identifier: MIT
import type { PhysAddr } from "@dmabuf/core";
import type { PageTable, TableMemory } from "@dmabuf/core/iommu";

/**
 * The memory that an SMMU reads: stream tables, context descriptors, and which page tables lie where. Structures are coherent
 * allocations, as Linux makes them, so there is nothing to clean. Addresses and sizes are in bytes.
 * @see dmam_alloc_coherent in arm-smmu-v3.c
 */
export class StructureMemory {
  readonly #memory: TableMemory;
  /** What was allocated, by where it begins. */
  readonly #regions = new Map<number, { readonly end: number; readonly initial: Uint32Array | null }>();
  /** Structures that were written, by their address. */
  readonly #written = new Map<number, Uint32Array>();
  readonly #tables = new Map<number, PageTable>();

  constructor(memory: TableMemory) {
    this.#memory = memory;
  }

  /**
   * Memory for structures, at a multiple of its size. Throws `KernelError` ENOMEM.
   * @param initial what every structure in it begins with; default zeros
   */
  allocate(bytes: number, initial: Uint32Array | null = null): PhysAddr {
    const start = this.#memory.allocate(bytes);
    this.#regions.set(start, { end: start + bytes, initial });
    return start;
  }

  /** Writes a whole structure, at an address where one begins. */
  put(structure: number, words: Uint32Array): void {
    this.#written.set(structure, words.slice());
  }

  /** Writes 64 bits at once, of a structure of so many words. */
  write(structure: number, words: number, index: number, low: number, high: number): void {
    let content = this.#written.get(structure);
    if (content === undefined) {
      content = this.#initial(structure, words) ?? new Uint32Array(words);
      this.#written.set(structure, content);
    }
    content[2 * index] = low;
    content[2 * index + 1] = high;
  }

  /** What stands at an address, as it is now; null where there is no memory, and a read is answered with an abort. */
  read(structure: number, words: number): Uint32Array | null {
    return this.#written.get(structure) ?? this.#initial(structure, words);
  }

  /** The walker reads a descriptor of page tables that lie somewhere else than they say. */
  fetched(address: number, bytes: number): void {
    this.#memory.fetched(address as PhysAddr, bytes);
  }

  /**
   * Says where page tables begin.
   * @param root the physical address of the root, where the tables' own addresses are not physical; default the tables'
   */
  place(table: PageTable, root: number = table.rootAddress): void {
    this.#tables.set(root, table);
  }

  /** There are no page tables any more where these were. */
  remove(table: PageTable): void {
    this.#tables.delete(table.rootAddress);
  }

  /** The page tables whose root lies there. */
  tableAt(root: number): PageTable | null {
    return this.#tables.get(root) ?? null;
  }

  #initial(structure: number, words: number): Uint32Array | null {
    for (const [start, { end, initial }] of this.#regions)
      if (structure >= start && structure < end) return initial?.slice() ?? new Uint32Array(words);
    return null;
  }
}
