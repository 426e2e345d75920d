// SPDX-License-Identifier: MIT
import type { PhysAddr } from "@dmabuf/core";
import { Descriptor, type PageTable, type TableMemory } from "@dmabuf/core/iommu";

/** Bytes of a line of descriptors. */
const LINE = 64;
/** Descriptors of 32 bits in it. */
const ENTRIES = LINE / 4;

/**
 * A cache of lines of page-table descriptors, 16 of 32 bits each, as they were when they were read. Who uses a page
 * brings its neighbours in, mapped or not. What was not mapped when it was asked for is not kept: the access is tried
 * again after the fault.
 */
export class DescriptorLines {
  readonly #memory: TableMemory;
  readonly #lines = new Map<number, Uint32Array>();

  /** @param memory where the tables lie */
  constructor(memory: TableMemory) {
    this.#memory = memory;
  }

  /** The last descriptor of the walk for an address, out of its line. */
  read(table: PageTable, address: number): number {
    const { granule } = table;
    const page = Math.floor(address / granule);
    const line = Math.floor(page / ENTRIES);
    const kept = this.#lines.get(line);
    if (kept !== undefined) return kept[page % ENTRIES] as number;
    const kind = table.fetch(address, 0, 0, (at) =>
      this.#memory.fetched((at - (at % LINE)) as PhysAddr, LINE),
    );
    const { low, level } = table;
    if (kind === Descriptor.LEAF) {
      const first = line * ENTRIES * granule;
      const words = new Uint32Array(ENTRIES);
      for (let i = 0; i < ENTRIES; i++) words[i] = table.descriptor(first + i * granule, level)?.[0] ?? 0;
      this.#lines.set(line, words);
    }
    return low;
  }

  /** The descriptor that it has for an address, or null. */
  peek(granule: number, address: number): number | null {
    const page = Math.floor(address / granule);
    return this.#lines.get(Math.floor(page / ENTRIES))?.[page % ENTRIES] ?? null;
  }

  /** Drops the line of an address. */
  zap(address: number, granule: number): void {
    this.#lines.delete(Math.floor(address / granule / ENTRIES));
  }

  /** Drops all lines. */
  zapAll(): void {
    this.#lines.clear();
  }
}
