// SPDX-License-Identifier: MIT
import type { PageTable } from "@dmabuf/core/iommu";

/** Where a walk can begin instead of at the root: a table of some level. */
export interface WalkStart {
  readonly pageTable: PageTable;
  /** Index of the level, from the root. */
  readonly depth: number;
  readonly table: number;
}

/**
 * The paging-structure caches (VT-d 6.2.5): tables that walks went through, by domain and address, so that the next walk begins
 * there. They are dropped by invalidations without the hint that only leaves have changed (IH), else they stay, and a walk
 * goes through a table that is not in use any more.
 */
export class PagingStructureCache {
  /** By tag; then by depth and the address's part above it. */
  readonly #tags = new Map<number, Map<string, WalkStart>>();

  /** The deepest table for an address that is known; null for none. */
  find(tag: number, address: number, levels: readonly { readonly shift: number }[]): WalkStart | null {
    const known = this.#tags.get(tag);
    if (known === undefined) return null;
    for (let depth = levels.length - 1; depth > 0; depth--) {
      const start = known.get(keyOf(address, depth, levels));
      if (start !== undefined) return start;
    }
    return null;
  }

  /** Keeps the table that a walk of an address went through, unless it was at the root. */
  keep(tag: number, address: number, start: WalkStart): void {
    if (start.depth === 0) return;
    let known = this.#tags.get(tag);
    if (known === undefined) {
      known = new Map();
      this.#tags.set(tag, known);
    }
    known.set(keyOf(address, start.depth, start.pageTable.format.levels), start);
  }

  /** Drops the tables of a tag that stand for a range. */
  invalidate(tag: number, address: number, size: number): void {
    const known = this.#tags.get(tag);
    if (known === undefined) return;
    for (const [key, { pageTable, depth }] of known) {
      const span = spanOf(depth, pageTable.format.levels);
      const first = Number(key.slice(key.indexOf(" ") + 1)) * span;
      if (first < address + size && first + span > address) known.delete(key);
    }
  }

  /** Drops all of the tags that `which` names. */
  invalidateTags(which: (tag: number) => boolean): void {
    for (const tag of [...this.#tags.keys()]) if (which(tag)) this.#tags.delete(tag);
  }
}

/** Bytes that a table of a depth stands for. */
const spanOf = (depth: number, levels: readonly { readonly shift: number }[]): number =>
  2 ** (levels[depth - 1]?.shift ?? 0);

const keyOf = (address: number, depth: number, levels: readonly { readonly shift: number }[]): string =>
  `${depth} ${Math.floor(address / spanOf(depth, levels))}`;
