// SPDX-License-Identifier: MIT
import type { TableFormat } from "../../src/iommu.ts";

interface Leaf {
  readonly size: number;
  readonly phys: number;
  readonly prot: number;
}

/**
 * What page tables are to do, in the words of the rules (M-24, M-26): a list of pages and blocks by their first address, and one
 * of the places that have a table, both searched from end to end.
 */
export class NaivePageTable {
  readonly leaves = new Map<number, Leaf>();
  /** First address and size of what each table stands for; the root is always there. */
  readonly tables = new Map<string, { start: number; size: number }>();
  readonly overwritten: number[] = [];
  readonly #sizes: readonly number[];
  readonly #end: number;
  readonly #overwrites: boolean;
  readonly #splits: boolean;

  constructor({ levels }: TableFormat, { overwrites, splits }: { overwrites: boolean; splits: boolean }) {
    this.#sizes = levels.map(({ shift }) => 2 ** shift);
    this.#end = (this.#sizes[0] as number) * 2 ** (levels[0]?.bits ?? 0);
    this.#overwrites = overwrites;
    this.#splits = splits;
  }

  map(iova: number, phys: number, size: number, count: number, prot: number): number {
    for (let i = 0; i < count; i++) {
      const at = iova + i * size;
      const there = this.at(at);
      if (there !== null && there.size > size) return i;
      this.#tablesFor(at, size);
      if (there !== null && there.size === size) {
        if (!this.#overwrites) return i;
        this.overwritten.push(at);
      }
      this.#clear(at, size);
      this.leaves.set(at, { size, phys: phys + i * size, prot });
    }
    return count;
  }

  unmap(iova: number, size: number, count: number): number {
    for (let i = 0; i < count; i++) {
      const at = iova + i * size;
      if (at >= this.#end) return i;
      for (let there = this.at(at); there !== null && there.size > size; there = this.at(at)) {
        if (!this.#splits) return i;
        this.#split(at, there);
      }
      if (!this.leaves.has(at) && !this.#hasTable(at, size)) return i;
      this.#clear(at, size);
    }
    return count;
  }

  /** The page or block that an address is in, or null. */
  at(address: number): (Leaf & { readonly start: number }) | null {
    for (const [start, leaf] of this.leaves)
      if (address >= start && address < start + leaf.size) return { ...leaf, start };
    return null;
  }

  /** The size of what the last descriptor on the way to an address stands for. */
  sizeAt(address: number): number {
    const leaf = this.at(address);
    if (leaf !== null) return leaf.size;
    return this.#sizes.findLast(
      (size, i) => i === 0 || this.#hasTable(address, this.#sizes[i - 1] ?? size),
    ) as number;
  }

  #hasTable(address: number, size: number): boolean {
    return this.tables.has(`${Math.floor(address / size) * size} ${size}`);
  }

  #tablesFor(address: number, pageSize: number): void {
    for (const size of this.#sizes.filter((each) => each > pageSize)) {
      const start = Math.floor(address / size) * size;
      this.tables.set(`${start} ${size}`, { start, size });
    }
  }

  #clear(from: number, size: number): void {
    const within = (start: number): boolean => start >= from && start < from + size;
    for (const start of [...this.leaves.keys()]) if (within(start)) this.leaves.delete(start);
    for (const [key, { start, size: of }] of [...this.tables])
      if (within(start) && of <= size) this.tables.delete(key);
  }

  #split(address: number, { start, size, phys, prot }: Leaf & { readonly start: number }): void {
    const smaller = this.#sizes[this.#sizes.indexOf(size) + 1] as number;
    this.leaves.delete(start);
    for (let at = 0; at < size; at += smaller)
      this.leaves.set(start + at, { size: smaller, phys: phys + at, prot });
    this.#tablesFor(address, smaller);
  }
}
