// SPDX-License-Identifier: MIT
import type { PhysAddr } from "@dmabuf/core";
import type { TableMemory } from "@dmabuf/core/iommu";

/** Bytes of each table of VT-d's: root, context, PASID directory, PASID table. */
const TABLE_BYTES = 4096;

/** A table of entries in memory, as words of 32 bits. */
interface EntryTable {
  readonly address: PhysAddr;
  readonly words: Uint32Array;
}

/**
 * The memory of the tables that say what a device goes through. The driver writes entries, and flushes them where the hardware
 * does not snoop its walks (M-72); the hardware finds a table by the pointer that it read. @see __iommu_flush_cache
 */
export class StructureMemory {
  readonly #memory: TableMemory;
  readonly #flushes: boolean;
  readonly #tables = new Map<number, EntryTable>();

  /** @param flushes whether what is written is flushed to memory */
  constructor(memory: TableMemory, flushes: boolean) {
    this.#memory = memory;
    this.#flushes = flushes;
  }

  /** A table of zeros; returns where it lies. Throws `KernelError` ENOMEM. */
  allocate(): PhysAddr {
    const address = this.#memory.allocate(TABLE_BYTES);
    this.#tables.set(address, { address, words: new Uint32Array(TABLE_BYTES / 4) });
    this.#wrote(address, TABLE_BYTES);
    return address;
  }

  /** Writes an entry of the table at `table`, from word `at` on. */
  write(table: number, at: number, entry: readonly number[]): void {
    const { address, words } = this.#tables.get(table) as EntryTable;
    words.set(entry, at);
    this.#wrote((address + at * 4) as PhysAddr, entry.length * 4);
  }

  /** An entry as software sees it, which changes when it is written; null where no table is. */
  peek(table: number, at: number, count: number): Uint32Array | null {
    return this.#tables.get(table)?.words.subarray(at, at + count) ?? null;
  }

  /** The hardware reads an entry, as it is now; null where the pointer leads to no table. */
  fetch(table: number, at: number, count: number): Uint32Array | null {
    const entry = this.peek(table, at, count);
    if (entry !== null) this.#memory.fetched((table + at * 4) as PhysAddr, count * 4);
    return entry?.slice() ?? null;
  }

  #wrote(address: PhysAddr, bytes: number): void {
    this.#memory.wrote(address, bytes);
    if (this.#flushes) this.#memory.sync(address, bytes);
  }
}
