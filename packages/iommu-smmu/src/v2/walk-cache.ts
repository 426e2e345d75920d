// SPDX-License-Identifier: MIT
import type { PageTable } from "@dmabuf/core/iommu";

/** A table somewhere on the way to a page. */
export interface KnownTable {
  readonly pages: PageTable;
  /** Index of its level in the format. */
  readonly depth: number;
  /** Its index in `pages`. */
  readonly table: number;
}

/**
 * The walk caches of a TLB: where the tables of each level are. A walk begins at the deepest that is known, whatever has become of
 * the tables above. As `Tlb`, it forgets nothing by itself. @see MMU-500 TRM, "Walk caches"
 */
export class WalkCache {
  /** By tag, by depth, by the place of the table among those of its level. */
  readonly #known = new Map<number, Map<number, KnownTable>[]>();

  /** The deepest table known for an address, or null. */
  find(tag: number, pages: PageTable, address: number): KnownTable | null {
    const levels = this.#known.get(tag);
    if (levels === undefined) return null;
    for (let depth = levels.length - 1; depth > 0; depth--) {
      const known = levels[depth]?.get(Math.floor(address / spanOf(pages, depth)));
      if (known !== undefined) return known;
    }
    return null;
  }

  /** Keeps a table that a walk came by; the root needs no keeping. */
  fill(tag: number, address: number, known: KnownTable): void {
    if (known.depth === 0) return;
    let levels = this.#known.get(tag);
    if (levels === undefined) {
      levels = known.pages.format.levels.map(() => new Map());
      this.#known.set(tag, levels);
    }
    levels[known.depth]?.set(Math.floor(address / spanOf(known.pages, known.depth)), known);
  }

  /** Forgets the tables of a range. */
  invalidate(tag: number, start: number, size: number): void {
    for (const known of this.#known.get(tag) ?? [])
      for (const [place, { pages, depth }] of [...known]) {
        const span = spanOf(pages, depth);
        if (place * span < start + size && (place + 1) * span > start) known.delete(place);
      }
  }

  /** Forgets the tables of a tag. */
  invalidateTag(tag: number): void {
    this.#known.delete(tag);
  }

  /** Forgets all tables. */
  invalidateAll(): void {
    this.#known.clear();
  }
}

/** Bytes of addresses behind one table of a level. */
const spanOf = ({ format }: PageTable, depth: number): number => 2 ** (format.levels[depth - 1]?.shift ?? 0);
