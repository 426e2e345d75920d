// SPDX-License-Identifier: MIT
import { TranslationRuns } from "./translation-runs.ts";

/** What an entry of a `Tlb` has besides its address: anything below this is the owner's. */
const ORDER = 2 ** 24;

/**
 * A TLB whose entries carry a tag: an ASID and VMID, a domain id, whatever tells the address spaces of one IOMMU apart. What it
 * has once seen it keeps until it is invalidated, whatever becomes of the page tables. It is as large as it needs to be: a
 * real one may forget an entry at any time, and this is the case in which it does not. Addresses and sizes are bytes.
 */
export class Tlb {
  /** Translations that were found in it. */
  hits = 0;
  /** Translations that were not. */
  misses = 0;
  readonly #granule: number;
  readonly #end: number;
  readonly #spaces = new Map<number, TranslationRuns>();
  /** What `find` found: where the address goes, the first input address after the entry, and the owner's attributes. */
  address = 0;
  end = 0;
  attributes = 0;

  /** Empty, for addresses below `end`, in pages of `granule`. */
  constructor(granule: number, end: number) {
    this.#granule = granule;
    this.#end = Math.ceil(end / granule);
  }

  /** Number of pages that it has an entry for. */
  get pageCount(): number {
    let count = 0;
    for (const space of this.#spaces.values()) count += space.pageCount;
    return count;
  }

  /** Looks an address up; the answer is in `address`, `end` and `attributes`. */
  find(tag: number, input: number): boolean {
    const space = this.#spaces.get(tag);
    const page = Math.floor(input / this.#granule);
    const id = space === undefined || page >= this.#end ? 0 : space.idAt(page);
    if (space === undefined || id === 0) {
      this.misses++;
      return false;
    }
    this.hits++;
    const attributes = space.protBy(id);
    const pages = 2 ** Math.floor(attributes / ORDER);
    this.address = space.physBy(id, page) * this.#granule + (input % this.#granule);
    this.end = (page - (page % pages) + pages) * this.#granule;
    this.attributes = attributes % ORDER;
    return true;
  }

  /**
   * Keeps a page or block of `size` bytes that holds `input` and goes to the one that holds `output`, in the place of entries
   * that it overlaps. The answer for `input` is where `find` leaves it.
   * @param attributes what the owner wants to know again, below 2^24
   */
  fill(tag: number, input: number, output: number, size: number, attributes: number): void {
    let space = this.#spaces.get(tag);
    if (space === undefined) {
      space = new TranslationRuns(this.#end);
      this.#spaces.set(tag, space);
    }
    const pages = size / this.#granule;
    const page = Math.floor(input / size) * pages;
    const to = Math.floor(output / size) * pages;
    space.clear(this.#blockOf(space, page, 0), this.#blockOf(space, page + pages - 1, 1));
    space.add(page, page + pages, to, attributes + Math.log2(pages) * ORDER);
    this.address = to * this.#granule + (input % size);
    this.end = (page + pages) * this.#granule;
    this.attributes = attributes;
  }

  /** Drops what overlaps a range, whole blocks, of one tag. */
  invalidate(tag: number, input: number, size: number): void {
    const space = this.#spaces.get(tag);
    if (space === undefined) return;
    const last = Math.min(this.#end, Math.ceil((input + size) / this.#granule)) - 1;
    const first = Math.floor(input / this.#granule);
    if (last < first) return;
    space.clear(this.#blockOf(space, first, 0), this.#blockOf(space, last, 1));
  }

  /** Drops what overlaps a range, whatever its tag. */
  invalidateEverywhere(input: number, size: number): void {
    for (const tag of this.#spaces.keys()) this.invalidate(tag, input, size);
  }

  /** Drops all entries of a tag. */
  invalidateTag(tag: number): void {
    this.#spaces.delete(tag);
  }

  /** Drops the entries of the tags that `which` names. */
  invalidateTags(which: (tag: number) => boolean): void {
    for (const tag of [...this.#spaces.keys()]) if (which(tag)) this.#spaces.delete(tag);
  }

  /** Drops everything. */
  invalidateAll(): void {
    this.#spaces.clear();
  }

  /** Where the block begins (0) or ends (1) that a page is in. */
  #blockOf(space: TranslationRuns, page: number, side: 0 | 1): number {
    const pages = 2 ** Math.floor(space.protBy(space.idAt(page)) / ORDER);
    return page - (page % pages) + side * pages;
  }
}
