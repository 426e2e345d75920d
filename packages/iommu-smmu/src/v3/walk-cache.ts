// SPDX-License-Identifier: MIT
import type { PageTable } from "@dmabuf/core/iommu";
import { includesTag, type Tags } from "./invalidation-scope.ts";

/** Where a walk begins: a table of some level. */
export interface Way {
  readonly table: PageTable;
  /** Index of the level, 0 for the root, and the table there. */
  readonly depth: number;
  readonly index: number;
}

/** Addresses that one table of a level stands for. */
const spanOf = (table: PageTable, depth: number): number => 2 ** (table.format.levels[depth - 1]?.shift ?? 0);

/**
 * What a walker remembers of the upper levels: which table of the last level that it saw stands for an address. It keeps that
 * until it is invalidated with Leaf 0, and so a way to tables that were freed long ago.
 */
export class WalkCache {
  readonly #spaces = new Map<number, Map<number, Way>>();

  /** Where the walk of an address begins: as deep as is remembered, else at the root. */
  find(tag: number, root: PageTable, address: number): Way {
    const space = this.#spaces.get(tag);
    if (space !== undefined) {
      for (let depth = root.format.levels.length - 1; depth > 0; depth--) {
        const span = spanOf(root, depth);
        const way = space.get(address - (address % span) + depth);
        if (way !== undefined) return way;
      }
    }
    return { table: root, depth: 0, index: 0 };
  }

  /** Whether a walk of an address would begin at a table that does not stand for it any more. */
  isStale(tag: number, root: PageTable, address: number): boolean {
    const { table, depth, index } = this.find(tag, root, address);
    return depth > 0 && (table !== root || root.tableAt(address, depth) !== index);
  }

  /** Keeps the table at which a walk of an address has just ended. */
  fill(tag: number, table: PageTable, address: number): void {
    const { depth, table: index } = table;
    if (depth === 0) return;
    let space = this.#spaces.get(tag);
    if (space === undefined) {
      space = new Map();
      this.#spaces.set(tag, space);
    }
    space.set(address - (address % spanOf(table, depth)) + depth, { table, depth, index });
  }

  /** Forgets what overlaps [start, end) in the spaces that `which` names. */
  invalidate(which: Tags, start: number, end: number): void {
    for (const [tag, space] of this.#spaces) {
      if (!includesTag(which, tag)) continue;
      for (const [key, { table, depth }] of space)
        if (key < end && key - depth + spanOf(table, depth) > start) space.delete(key);
    }
  }
}
