// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { LevelTables } from "./level-tables.ts";
import { Descriptor, type TableFormat } from "./table-format.ts";
import { LooseTableMemory, type TableMemory } from "./table-memory.ts";
import { TablePool } from "./table-pool.ts";

/** A table that is not in use any more, and the first address that it stood for. */
interface Gone {
  readonly depth: number;
  readonly table: number;
  readonly start: number;
}

/**
 * How the tables of a `PageTable` hang together: made, found, put in the place of a block, taken out. Depth counts from the
 * root. Those of the last level have a pool of their own, in which nothing leads further.
 */
export class TableTree {
  readonly levels: readonly LevelTables[];
  /** Of each level, for walks: see `LevelTables`. Arrays of numbers, which is quicker than to ask the levels. */
  readonly scales: Float64Array;
  readonly masks: Int32Array;
  readonly lastDepth: number;
  /** The one without tables below. */
  readonly lowest: LevelTables;
  readonly upper: TablePool;
  readonly last: TablePool;
  readonly #format: TableFormat;
  readonly #memory: TableMemory;
  readonly #isWatched: boolean;
  readonly #clean: boolean;
  #gone: Gone[] = [];
  /** The table that was asked for last: pages come in a row, and need no search from the root. */
  near = 0;
  #nearDepth = -1;
  #nearStart = 0;
  #nearEnd = 0;

  /**
   * @param memory where the tables lie; default nowhere in particular
   * @param clean whether what is written has to be cleaned for the walker (M-30)
   */
  constructor(format: TableFormat, memory: TableMemory | undefined, clean: boolean) {
    const { levels, descriptorBytes } = format;
    this.#format = format;
    this.#memory = memory ?? new LooseTableMemory();
    this.#isWatched = memory !== undefined;
    this.#clean = clean;
    const entries = levels.map(({ bits }) => 2 ** bits);
    const lastDepth = levels.length - 1;
    this.lastDepth = lastDepth;
    this.upper = new TablePool(Math.min(...entries), descriptorBytes, true);
    this.last = new TablePool(entries[lastDepth] as number, descriptorBytes, false);
    this.levels = levels.map(
      (level, depth) => new LevelTables(format, level, depth === lastDepth ? this.last : this.upper),
    );
    this.scales = Float64Array.from(this.levels, ({ scale }) => scale);
    this.masks = Int32Array.from(this.levels, ({ mask }) => mask);
    this.lowest = this.level(lastDepth);
    this.#newTable(0);
  }

  /** The walker read a descriptor. */
  fetched(address: PhysAddr, bytes: number): void {
    this.#memory.fetched(address, bytes);
  }

  /** The tables of one level. */
  level(depth: number): LevelTables {
    return this.levels[depth] as LevelTables;
  }

  /** The table at a level that stands for an address, made where there is none; -1 under a block. Throws `KernelError` ENOMEM. */
  make(address: number, depth: number): number {
    if (this.isNear(address, depth)) return this.near;
    let table = 0;
    for (let at = 0; at < depth; at++) {
      const level = this.level(at);
      const index = level.indexOf(address);
      const child = level.child(table + index);
      if (child < 0 && level.kindOf(table + index) !== Descriptor.INVALID) return -1;
      table = child >= 0 ? child : this.#link(at, table, index, this.#newTable(at + 1));
    }
    return this.#note(address, depth, table);
  }

  /** The table at a level that stands for an address, or -1. */
  find(address: number, depth: number): number {
    if (this.isNear(address, depth)) return this.near;
    let table = 0;
    for (let at = 0; at < depth && table >= 0; at++) {
      const level = this.level(at);
      table = level.child(table + level.indexOf(address));
    }
    return table < 0 ? -1 : this.#note(address, depth, table);
  }

  /** As `find`; blocks on the way are split. -1 also where there is no memory for that: the kernel gives up there. */
  findSplitting(address: number, depth: number): number {
    if (this.isNear(address, depth)) return this.near;
    let table = 0;
    for (let at = 0; at < depth && table >= 0; at++) {
      const level = this.level(at);
      const index = level.indexOf(address);
      const child = level.child(table + index);
      if (child < 0 && level.kindOf(table + index) !== Descriptor.LEAF) return -1;
      table = child >= 0 ? child : this.#split(at, table, index);
    }
    return table < 0 ? -1 : this.#note(address, depth, table);
  }

  /** The table that a descriptor leads to, and all below it, are not in use any more. False where it leads to none. */
  drop(depth: number, place: number, start: number): boolean {
    const level = this.level(depth);
    const table = level.child(place);
    if (table < 0) return false;
    level.pool.children[place] = 0;
    this.#nearDepth = -1;
    this.#retire(depth + 1, table, start);
    return true;
  }

  /** Tables that are not in use any more and not given back. */
  get gone(): number {
    return this.#gone.length;
  }

  /** No table is in use any more, the root neither. */
  retireAll(): void {
    this.#nearDepth = -1;
    this.#retire(0, 0, 0);
  }

  /** Gives back the memory of what is not in use any more, where all that it stood for is in a range. */
  collect(from: number, end: number): void {
    if (this.#gone.length === 0) return;
    const kept: Gone[] = [];
    for (const each of this.#gone) {
      const level = this.level(each.depth);
      if (each.start < from || each.start + level.size * level.entries > end) {
        kept.push(each);
        continue;
      }
      this.#memory.free(level.pool.addressOf(each.table), level.bytes);
      level.pool.remove(each.table, level.entries);
      level.count--;
    }
    this.#gone = kept;
  }

  /** The CPU wrote descriptors of a table. */
  written(depth: number, table: number, index: number, count: number): void {
    if (this.#isWatched) this.#tell(depth, table, index, count);
  }

  /** Whether a table is the one that was asked for last, `near`. */
  isNear(address: number, depth: number): boolean {
    return depth === this.#nearDepth && address >= this.#nearStart && address < this.#nearEnd;
  }

  /** What leads from table to table stays: an IOMMU that remembers the first one still finds the others. */
  #retire(depth: number, table: number, start: number): void {
    const level = this.level(depth);
    for (let i = 0; i < level.entries; i++) {
      const child = level.child(table + i);
      if (child >= 0) this.#retire(depth + 1, child, start + i * level.size);
    }
    this.#gone.push({ depth, table, start });
  }

  #tell(depth: number, table: number, index: number, count: number): void {
    const { pool, bytes, entries } = this.level(depth);
    const size = bytes / entries;
    const address = (pool.addressOf(table) + index * size) as PhysAddr;
    this.#memory.wrote(address, count * size);
    if (this.#clean) this.#memory.sync(address, count * size);
  }

  #note(address: number, depth: number, table: number): number {
    const { size, entries } = this.level(depth);
    const span = size * entries;
    this.near = table;
    this.#nearDepth = depth;
    this.#nearStart = Math.floor(address / span) * span;
    this.#nearEnd = this.#nearStart + span;
    return table;
  }

  /** Puts a table of smaller pages with the same translations in the place of a block. @see arm_lpae_split_blk_unmap */
  #split(depth: number, table: number, index: number): number {
    const level = this.level(depth);
    const low = level.low(table + index);
    const high = level.high(table + index);
    const child = this.#tryNewTable(depth + 1);
    if (child < 0) return -1;
    const next = this.level(depth + 1);
    const address = this.#format.addressOf(low, high, level.level);
    next.writeLeaves(child, next.entries, address, this.#format.protOf(low, high, level.level));
    this.written(depth + 1, child, 0, next.entries);
    return this.#link(depth, table, index, child);
  }

  #link(depth: number, table: number, index: number, child: number): number {
    this.level(depth).writeTable(table + index, child, this.level(depth + 1).pool.addressOf(child));
    this.written(depth, table, index, 1);
    return child;
  }

  #newTable(depth: number): number {
    const level = this.level(depth);
    const table = level.pool.add(level.entries, this.#memory.allocate(level.bytes));
    level.count++;
    level.begin(table);
    this.written(depth, table, 0, level.entries);
    return table;
  }

  #tryNewTable(depth: number): number {
    try {
      return this.#newTable(depth);
    } catch (error) {
      if (error instanceof KernelError && error.errno === "ENOMEM") return -1;
      throw error;
    }
  }
}
