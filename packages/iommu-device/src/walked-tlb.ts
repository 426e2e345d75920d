// SPDX-License-Identifier: MIT
import { Descriptor, type PageTable, Tlb } from "@dmabuf/core/iommu";

/** Of an entry's attributes: what is below are the flags. */
const LEVEL = 2 ** 16;

/** A TLB and the table walker behind it. Entries carry a tag, the number of an address space of the hardware. */
export class WalkedTlb {
  /**
   * After `find`: where the address goes, the first input address after the entry, what is allowed (`IommuProt`), and
   * the level at which the entry was found.
   */
  address = 0;
  end = 0;
  prot = 0;
  level = 0;
  readonly #tlb: Tlb;
  readonly #sizeOf: (table: PageTable) => number;

  /**
   * @param end input addresses are below this
   * @param sizeOf bytes that the descriptor stands for to which `table` was walked; default what its level says
   */
  constructor(granule: number, end: number, sizeOf = (table: PageTable): number => table.size) {
    this.#tlb = new Tlb(granule, end);
    this.#sizeOf = sizeOf;
  }

  /** Looks an address up, and walks where that fails. False when the walk ends without a page; `table` says where. */
  find(tag: number, table: PageTable, input: number): boolean {
    const tlb = this.#tlb;
    if (!tlb.find(tag, input)) {
      if (input >= table.end || table.fetch(input) !== Descriptor.LEAF) return false;
      const { level } = table;
      const prot = table.format.protOf(table.low, table.high, level);
      tlb.fill(tag, input, table.output(input), this.#sizeOf(table), prot + level * LEVEL);
      tlb.find(tag, input);
    }
    this.address = tlb.address;
    this.end = tlb.end;
    this.prot = tlb.attributes % LEVEL;
    this.level = Math.floor(tlb.attributes / LEVEL);
    return true;
  }

  /** After `find`: whether a table says something else. */
  differsFrom(table: PageTable, input: number): boolean {
    if (table.lookup(input) !== this.address) return true;
    return table.format.protOf(table.low, table.high, table.level) !== this.prot;
  }

  /** Drops what overlaps a range. */
  invalidate(tag: number, input: number, size: number): void {
    this.#tlb.invalidate(tag, input, size);
  }

  /** Drops all entries of a tag. */
  invalidateTag(tag: number): void {
    this.#tlb.invalidateTag(tag);
  }

  /** Drops everything. */
  invalidateAll(): void {
    this.#tlb.invalidateAll();
  }
}
