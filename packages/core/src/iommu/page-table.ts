// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { type ClearedDescriptors, tellCleared } from "./cleared-descriptors.ts";
import type { LevelTables } from "./level-tables.ts";
import { Descriptor, type TableFormat } from "./table-format.ts";
import type { TableMemory } from "./table-memory.ts";
import { TableTree } from "./table-tree.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** How a `PageTable` behaves where kernels and drivers differ. */
export interface PageTableOptions {
  /** Where the tables lie; default nowhere in particular. */
  readonly memory?: TableMemory;
  /** Whether the walker snoops, so that nothing needs cleaning; default yes (M-30). */
  readonly coherentWalk?: boolean;
  /** What becomes of a block of which a part is unmapped: smaller pages for the rest, or nothing is done (M-26). Default split. */
  readonly partialBlocks?: "split" | "refuse";
  /** Called for a page that is mapped already and gets a new descriptor; default that is refused with EEXIST (M-24, M-70). */
  readonly overwritten?: (iova: DmaAddr) => void;
  /** Whether such a page keeps the descriptor that it has after the call; default no. @see try_cmpxchg64_local in __domain_mapping */
  readonly keepsFirst?: boolean;
  /** Called for what was cleared, before any of its memory is given back; default nobody cares. */
  readonly cleared?: (what: ClearedDescriptors) => void;
}

/**
 * Page tables of any format, in memory as the architecture lays them out: descriptors of 4 or 8 bytes, level by level. `walk`
 * is what the hardware does. What belongs to unmapped tables is kept until `collect`, since IOMMUs may still walk there.
 */
export class PageTable {
  readonly format: TableFormat;
  /** Smallest page, in bytes. */
  readonly granule: number;
  /** Addresses that it translates are below this. */
  readonly end: number;
  /** What can be mapped with one descriptor, ascending. */
  readonly pageSizes: readonly number[];
  /** After `walk`: the index of the level at which it ended, the table there, and its descriptor. */
  depth = 0;
  table = 0;
  low = 0;
  high = 0;
  readonly #tree: TableTree;
  readonly #split: boolean;
  readonly #overwritten: ((iova: DmaAddr) => void) | undefined;
  readonly #cleared: ((what: ClearedDescriptors) => void) | undefined;
  readonly #keepsFirst: boolean;
  /** Whether `#makeRoom` ended at a page that keeps its descriptor. */
  #kept = false;

  constructor(
    format: TableFormat,
    {
      memory,
      coherentWalk = true,
      partialBlocks = "split",
      overwritten,
      cleared,
      keepsFirst = false,
    }: PageTableOptions = {},
  ) {
    this.format = format;
    this.#split = partialBlocks === "split";
    this.#overwritten = overwritten;
    this.#cleared = cleared;
    this.#keepsFirst = keepsFirst;
    this.#tree = new TableTree(format, memory, !coherentWalk);
    const { levels } = this.#tree;
    this.pageSizes = levels.flatMap(({ leaf, size }) => (leaf ? [size] : [])).reverse();
    this.granule = this.pageSizes[0] as number;
    const root = this.#tree.level(0);
    this.end = root.size * root.entries;
  }

  /** Where the root lies: what goes into TTB0, a root pointer, a context entry. */
  get rootAddress(): PhysAddr {
    return this.#tree.level(0).pool.addressOf(0);
  }

  /** Tables in use. */
  get tables(): number {
    return this.#tree.levels.reduce((sum, { count }) => sum + count, 0);
  }

  /** Tables that are not in use any more and that `collect` has not given back: those that IOMMUs may still walk through. */
  get unusedTables(): number {
    return this.#tree.gone;
  }

  /** Bytes that the model takes for them. */
  get bytes(): number {
    return this.#tree.upper.bytes + this.#tree.last.bytes;
  }

  /**
   * Maps `count` pages of one size. Returns how many were; fewer where one is mapped already, unless those are overwritten.
   * Throws `KernelError` ERANGE past the addresses of either side, EINVAL for no size of a page (M-23), ENOMEM for want of a
   * table; then nothing of it is mapped.
   */
  mapPages(iova: number, phys: number, pageSize: number, count: number, prot: number): number {
    const bytes = pageSize * count;
    if (iova + bytes > this.end || phys + bytes > this.format.outputEnd) throw this.#past(iova, phys, bytes);
    const tree = this.#tree;
    // Most pages follow others, in a table that is known and has room: nothing has to be searched for.
    if (pageSize === this.granule && tree.isNear(iova, tree.lastDepth)) {
      const level = tree.lowest;
      const index = level.indexOf(iova);
      const place = tree.near + index;
      if (index + count <= level.entries && level.freeRun(place, count) === count) {
        level.writeLeaves(place, count, phys, prot);
        tree.written(tree.lastDepth, tree.near, index, count);
        return count;
      }
    }
    return this.#mapFrom(iova, phys, this.#depthOf("map", pageSize), count, prot);
  }

  /**
   * Unmaps pages of one size, whatever they are made of, up to the first that is not mapped; returns how many. A table in the
   * place of one goes as it is and counts as mapped, with the holes that it has. @see __arm_lpae_unmap
   */
  unmapPages(iova: number, pageSize: number, count: number): number {
    const leaf = this.#depthOf("unmap", pageSize);
    const tree = this.#tree;
    const level = tree.level(leaf);
    for (let done = 0; done < count; ) {
      const at = iova + done * pageSize;
      if (at >= this.end) return done;
      const table = this.#split ? tree.findSplitting(at, leaf) : tree.find(at, leaf);
      if (table < 0) return done;
      const index = level.indexOf(at);
      const wanted = Math.min(count - done, level.entries - index);
      const cleared = level.usedRun(table + index, wanted);
      if (cleared > 0) this.#clear(leaf, table, index, cleared, at);
      done += cleared;
      if (cleared < wanted) return done;
    }
    return count;
  }

  /**
   * What the table walker does, from a table of some level on: sets `depth`, `table`, `low` and `high`, and returns the kind
   * of the last descriptor, one of `Descriptor`: never a table.
   * @param depth index of the level at which it begins, with `table`; default at the root
   */
  walk(address: number, depth = 0, table = 0): number {
    const { levels, scales, masks, upper, last, lastDepth } = this.#tree;
    const { children } = upper;
    let at = depth;
    let from = table;
    let place = from + ((address * (scales[at] as number)) & (masks[at] as number));
    while (at < lastDepth) {
      const child = children[place] as number;
      if (child === 0) break;
      at++;
      from = child - 1;
      place = from + ((address * (scales[at] as number)) & (masks[at] as number));
    }
    const { words, stride } = at < lastDepth ? upper : last;
    this.depth = at;
    this.table = from;
    const low = words[place * stride] as number;
    const high = stride === 2 ? (words[place * 2 + 1] as number) : 0;
    this.low = low;
    this.high = high;
    return this.format.kindOf(low, high, (levels[at] as LevelTables).level);
  }

  /**
   * Walks as `walk`, and reads each descriptor out of memory, as a table walker does that does not snoop.
   * @param read is told where each lies; default the memory of the tables
   */
  fetch(
    address: number,
    depth = 0,
    table = 0,
    read: (address: PhysAddr, bytes: number) => void = (at, bytes) => this.#tree.fetched(at, bytes),
  ): number {
    let from = table;
    for (let at = depth; ; at++) {
      const level = this.#tree.level(at);
      const index = level.indexOf(address);
      const { bytes, entries, pool } = level;
      const size = bytes / entries;
      read((pool.addressOf(from) + index * size) as PhysAddr, size);
      const child = level.child(from + index);
      if (child < 0) return this.walk(address, at, from);
      from = child;
    }
  }

  /** After `walk`: the architecture's number of the level at which it ended. */
  get level(): number {
    return this.#tree.level(this.depth).level;
  }

  /** After `walk`: the bytes that its last descriptor stands for. */
  get size(): number {
    return this.#tree.level(this.depth).size;
  }

  /** After `walk` of `address` to a leaf: the address that comes out. */
  output(address: number): number {
    const { level, size } = this.#tree.levels[this.depth] as LevelTables;
    // Of blocks that large the mask would not fit.
    const offset = size < 2 ** 31 ? address & (size - 1) : address % size;
    return this.format.addressOf(this.low, this.high, level) + offset;
  }

  /** The address that comes out, or null where nothing is mapped. */
  lookup(address: number): number | null {
    if (address >= this.end || this.walk(address) !== Descriptor.LEAF) return null;
    return this.output(address);
  }

  /** The index of the table that stands for `address` at a level, or -1 where there is none. */
  tableAt(address: number, depth: number): number {
    return this.#tree.find(address, depth);
  }

  /** Where the table lies that stands for `address` at a level, or null where there is none. */
  addressAt(address: number, depth: number): PhysAddr | null {
    const table = this.tableAt(address, depth);
    return table < 0 ? null : this.#tree.level(depth).pool.addressOf(table);
  }

  /** The two words of a descriptor: of the level with that number of the architecture, for an address. Null where no table is. */
  descriptor(address: number, level: number): readonly [low: number, high: number] | null {
    const depth = this.format.levels.findIndex((each) => each.level === level);
    const table = depth < 0 ? -1 : this.#tree.find(address, depth);
    if (table < 0) return null;
    const found = this.#tree.level(depth);
    const place = table + found.indexOf(address);
    return [found.low(place), found.high(place)];
  }

  /**
   * Gives the memory back of tables that are not in use any more, after the invalidation that makes IOMMUs forget them (G.9).
   * @param from with `end`: only those that stood for nothing but these addresses; default all
   */
  collect(from = 0, end = this.end): void {
    this.#tree.collect(from, end);
  }

  /** Gives the memory of all tables back; they are not used any more. @see free_io_pgtable_ops */
  free(): void {
    this.#tree.retireAll();
    this.collect();
  }

  #mapFrom(iova: number, phys: number, leaf: number, count: number, prot: number): number {
    const tree = this.#tree;
    const level = tree.level(leaf);
    let done = 0;
    try {
      while (done < count) {
        const at = iova + done * level.size;
        const table = tree.make(at, leaf);
        if (table < 0) return done;
        const index = level.indexOf(at);
        const wanted = Math.min(count - done, level.entries - index);
        const free = this.#makeRoom(leaf, table, index, wanted, at);
        if (free > 0) {
          level.writeLeaves(table + index, free, phys + done * level.size, prot);
          tree.written(leaf, table, index, free);
        }
        done += free;
        if (this.#kept) done++;
        else if (free < wanted) return done;
      }
      return count;
    } catch (error) {
      this.unmapPages(iova, level.size, done);
      throw error;
    }
  }

  #past(iova: number, phys: number, bytes: number): KernelError {
    const reason =
      iova + bytes > this.end
        ? `${hex(iova + bytes)} is past the addresses of the table`
        : `physical address ${hex(phys + bytes)} is past what fits in it`;
    return new KernelError("ERANGE", "iommu_map", reason);
  }

  #depthOf(what: string, pageSize: number): number {
    const { levels } = this.#tree;
    for (let depth = levels.length - 1; depth >= 0; depth--)
      if (levels[depth]?.size === pageSize && levels[depth]?.leaf) return depth;
    const reason = `${this.format.name}: ${hex(pageSize)} is no size of a page`;
    throw new KernelError("EINVAL", `iommu_${what}`, reason);
  }

  /** Takes descriptors out, with the tables that they lead to, and says so. */
  #clear(depth: number, table: number, index: number, count: number, iova: number): void {
    const tree = this.#tree;
    const level = tree.level(depth);
    const tables: number[] = [];
    if (depth < tree.lastDepth)
      for (let i = 0; i < count; i++)
        if (tree.drop(depth, table + index + i, iova + i * level.size)) tables.push(i);
    level.clear(table + index, count);
    tree.written(depth, table, index, count);
    if (this.#cleared !== undefined) tellCleared(this.#cleared, iova, level.size, count, tables);
  }

  /**
   * How many of the descriptors from `index` on are free now; a table in the way of a block goes (M-24), and nothing is there
   * before the block is (break-before-make).
   */
  #makeRoom(depth: number, table: number, index: number, wanted: number, iova: number): number {
    const level = this.#tree.level(depth);
    this.#kept = false;
    for (let i = level.freeRun(table + index, wanted); i < wanted; i++) {
      const at = iova + i * level.size;
      const place = table + index + i;
      if (level.child(place) >= 0) this.#clear(depth, table, index + i, 1, at);
      else if (level.kindOf(place) === Descriptor.INVALID) continue;
      else if (this.#overwritten === undefined) return i;
      else {
        this.#overwritten(at as DmaAddr);
        this.#kept = this.#keepsFirst;
        if (this.#kept) return i;
      }
    }
    return wanted;
  }
}
