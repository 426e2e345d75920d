// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { LevelTables } from "./level-tables.ts";
import { Descriptor, type TableFormat, type TableLevel } from "./table-format.ts";
import { LooseTableMemory, type TableMemory } from "./table-memory.ts";

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
  /** After `walk`: the index of the level at which it ended, the table there, its descriptor, and which bytes that covers. */
  depth = 0;
  table = 0;
  low = 0;
  high = 0;
  readonly #levels: readonly LevelTables[];
  readonly #sizes: readonly number[];
  readonly #memory: TableMemory;
  readonly #clean: boolean;
  readonly #split: boolean;
  readonly #overwritten: ((iova: DmaAddr) => void) | undefined;
  readonly #leafDepths = new Map<number, number>();
  /** Tables that are not in use any more, as pairs of depth and table. */
  readonly #gone: number[] = [];

  constructor(
    format: TableFormat,
    {
      memory = new LooseTableMemory(),
      coherentWalk = true,
      partialBlocks = "split",
      overwritten,
    }: PageTableOptions = {},
  ) {
    const { levels, descriptorBytes } = format;
    this.format = format;
    this.#memory = memory;
    this.#clean = !coherentWalk;
    this.#split = partialBlocks === "split";
    this.#overwritten = overwritten;
    this.#sizes = levels.map(({ shift }) => 2 ** shift);
    this.#levels = levels.map(
      (level, depth) => new LevelTables(level, descriptorBytes, depth === levels.length - 1),
    );
    levels.forEach(({ leaf }, depth) => {
      if (leaf) this.#leafDepths.set(this.#sizes[depth] as number, depth);
    });
    this.pageSizes = [...this.#leafDepths.keys()].sort((a, b) => a - b);
    this.granule = this.pageSizes[0] as number;
    const root = levels[0] as TableLevel;
    this.end = 2 ** (root.shift + root.bits);
    this.#newTable(0);
  }

  /** Where the root lies: what goes into TTB0, a root pointer, a context entry. */
  get rootAddress(): PhysAddr {
    return this.#level(0).addressOf(0);
  }

  /** Tables in use. */
  get tables(): number {
    return this.#levels.reduce((sum, { count }) => sum + count, 0);
  }

  /** Bytes that the model takes for them. */
  get bytes(): number {
    return this.#levels.reduce((sum, { room }) => sum + room, 0);
  }

  /**
   * Maps `count` pages of one size. Returns how many were; fewer where one is mapped already, unless those are overwritten.
   * Throws `KernelError` ERANGE past the addresses of either side, EINVAL for no size of a page (M-23).
   */
  mapPages(iova: number, phys: number, pageSize: number, count: number, prot: number): number {
    const leaf = this.#leafDepths.get(pageSize);
    if (leaf === undefined) throw this.#invalid("map", `${hex(pageSize)} is no size of a page`);
    if (iova + pageSize * count > this.end)
      throw new KernelError("ERANGE", "iommu_map", `${hex(iova)} is past the addresses of the table`);
    if (phys + pageSize * count > this.format.outputEnd)
      throw new KernelError("ERANGE", "iommu_map", `physical address ${hex(phys)} is past what fits in it`);
    const level = this.#level(leaf);
    const { stride, entries } = level;
    for (let done = 0; done < count; ) {
      const at = iova + done * pageSize;
      const table = this.#tableFor(at, leaf);
      if (table < 0) return done;
      const index = this.#index(at, leaf);
      const first = table * entries + index;
      const wanted = Math.min(count - done, entries - index);
      const free = this.#makeRoom(leaf, first, wanted, at);
      if (free > 0) {
        const to = phys + done * pageSize;
        this.format.writeLeaves(level.words, first * stride, free, level.level, to, prot);
        this.#written(leaf, table, index, free);
      }
      done += free;
      if (free < wanted) return done;
    }
    return count;
  }

  /**
   * Unmaps pages of one size, whatever they are made of, up to the first that is not mapped; returns how many. A table that
   * is emptied as a whole goes.
   */
  unmapPages(iova: number, pageSize: number, count: number): number {
    const leaf = this.#leafDepths.get(pageSize);
    if (leaf === undefined) throw this.#invalid("unmap", `${hex(pageSize)} is no size of a page`);
    const { entries, stride } = this.#level(leaf);
    for (let done = 0; done < count; ) {
      const at = iova + done * pageSize;
      if (at >= this.end) return done;
      if (!this.#descend(at, leaf)) return done;
      const table = this.table;
      const index = this.#index(at, leaf);
      const wanted = Math.min(count - done, entries - index);
      const { words, children } = this.#level(leaf);
      const first = table * entries + index;
      let cleared = 0;
      while (cleared < wanted && this.#kindAt(leaf, first + cleared) !== Descriptor.INVALID) {
        const child = children?.[first + cleared] ?? 0;
        if (child > 0) this.#drop(leaf + 1, child - 1);
        cleared++;
      }
      children?.fill(0, first, first + cleared);
      if (cleared > 0) {
        if (this.format.writeInvalid === undefined) words.fill(0, first * stride, (first + cleared) * stride);
        else this.format.writeInvalid(words, first * stride, cleared, this.#level(leaf).level);
        this.#written(leaf, table, index, cleared);
      }
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
    const { format } = this;
    let from = table;
    for (let at = depth; ; at++) {
      const level = this.#levels[at] as LevelTables;
      const index = from * level.entries + this.#index(address, at);
      const child = level.children === null ? 0 : (level.children[index] as number);
      if (child > 0) {
        from = child - 1;
        continue;
      }
      this.depth = at;
      this.table = from;
      const { words, stride } = level;
      this.low = words[index * stride] as number;
      this.high = stride === 2 ? (words[index * stride + 1] as number) : 0;
      return format.kindOf(this.low, this.high, level.level);
    }
  }

  /**
   * Walks as `walk`, and reads each descriptor out of memory, as a table walker does that does not snoop.
   * @param read is told where each lies; default the memory of the tables
   */
  fetch(
    address: number,
    depth = 0,
    table = 0,
    read: (address: PhysAddr, bytes: number) => void = (at, bytes) => this.#memory.fetched(at, bytes),
  ): number {
    let from = table;
    for (let at = depth; ; at++) {
      const level = this.#level(at);
      const index = this.#index(address, at);
      read((level.addressOf(from) + index * level.stride * 4) as PhysAddr, level.stride * 4);
      const child = level.children?.[from * level.entries + index] ?? 0;
      if (child === 0) return this.walk(address, at, from);
      from = child - 1;
    }
  }

  /** After `walk`: the architecture's number of the level at which it ended. */
  get level(): number {
    return this.#level(this.depth).level;
  }

  /** After `walk`: the bytes that its last descriptor stands for. */
  get size(): number {
    return this.#sizes[this.depth] as number;
  }

  /** After `walk` of `address` to a leaf: the address that comes out. */
  output(address: number): number {
    const { low, high, size } = this;
    return this.format.addressOf(low, high, this.level) + (address % size);
  }

  /** The address that comes out, or null where nothing is mapped. */
  lookup(address: number): number | null {
    if (address >= this.end || this.walk(address) !== Descriptor.LEAF) return null;
    return this.output(address);
  }

  /** The index of the table that stands for `address` at a level, or -1 where there is none. */
  tableAt(address: number, depth: number): number {
    return this.#descendExactly(address, depth) ? this.table : -1;
  }

  /** Where the table lies that stands for `address` at a level, or null where there is none. */
  addressAt(address: number, depth: number): PhysAddr | null {
    const table = this.tableAt(address, depth);
    return table < 0 ? null : this.#level(depth).addressOf(table);
  }

  /** The two words of a descriptor: of the level with that number of the architecture, for an address. Null where no table is. */
  descriptor(address: number, level: number): readonly [low: number, high: number] | null {
    const depth = this.#levels.findIndex((each) => each.level === level);
    if (depth < 0 || !this.#descendExactly(address, depth)) return null;
    const { words, stride, entries } = this.#level(depth);
    const at = (this.table * entries + this.#index(address, depth)) * stride;
    return [words[at] as number, stride === 2 ? (words[at + 1] as number) : 0];
  }

  /** Gives the memory back of tables that are not in use any more: after the invalidation that makes IOMMUs forget them (G.9). */
  collect(): void {
    const gone = this.#gone.splice(0);
    for (let i = 0; i < gone.length; i += 2) {
      const level = this.#level(gone[i] as number);
      const table = gone[i + 1] as number;
      this.#memory.free(level.addressOf(table), level.bytes);
      level.remove(table);
    }
  }

  /** Gives the memory of all tables back; nobody walks or changes them from then on. @see free_io_pgtable_ops */
  free(): void {
    this.#drop(0, 0);
    this.collect();
  }

  #level(depth: number): LevelTables {
    return this.#levels[depth] as LevelTables;
  }

  #index(address: number, depth: number): number {
    return Math.floor(address / (this.#sizes[depth] as number)) & (this.#level(depth).entries - 1);
  }

  #kindAt(depth: number, index: number): number {
    const { words, stride, level } = this.#level(depth);
    const low = words[index * stride] as number;
    const high = stride === 2 ? (words[index * stride + 1] as number) : 0;
    const zero = low === 0 && high === 0 && this.format.writeInvalid === undefined;
    return zero ? Descriptor.INVALID : this.format.kindOf(low, high, level);
  }

  /** How many of the descriptors from `first` on are free now; a table in the way of a block goes (M-24). */
  #makeRoom(depth: number, first: number, wanted: number, iova: number): number {
    const { children } = this.#level(depth);
    for (let i = 0; i < wanted; i++) {
      const kind = this.#kindAt(depth, first + i);
      if (kind === Descriptor.INVALID) continue;
      const child = children?.[first + i] ?? 0;
      if (child > 0 && children !== null) {
        this.#drop(depth + 1, child - 1);
        children[first + i] = 0;
      } else if (this.#overwritten === undefined) return i;
      else this.#overwritten((iova + i * (this.#sizes[depth] as number)) as DmaAddr);
    }
    return wanted;
  }

  /** The table at a level that stands for an address, made where there is none; -1 under a block. */
  #tableFor(address: number, depth: number): number {
    let table = 0;
    for (let at = 0; at < depth; at++) {
      const level = this.#level(at);
      const index = this.#index(address, at);
      const place = table * level.entries + index;
      const children = level.children as Int32Array;
      const child = children[place] as number;
      if (child > 0) {
        table = child - 1;
        continue;
      }
      if (this.#kindAt(at, place) !== Descriptor.INVALID) return -1;
      table = this.#install(at, table, index);
    }
    return table;
  }

  /** Finds the table of a level; splits a block on the way, where that is how it is done. False where nothing is mapped. */
  #descend(address: number, depth: number): boolean {
    let table = 0;
    for (let at = 0; at < depth; at++) {
      const level = this.#level(at);
      const index = this.#index(address, at);
      const place = table * level.entries + index;
      const child = level.children?.[place] ?? 0;
      if (child > 0) {
        table = child - 1;
        continue;
      }
      if (this.#kindAt(at, place) !== Descriptor.LEAF || !this.#split) return false;
      table = this.#splitBlock(at, table, index);
    }
    this.table = table;
    return true;
  }

  /** As `#descend`, and nothing is split. */
  #descendExactly(address: number, depth: number): boolean {
    let table = 0;
    for (let at = 0; at < depth; at++) {
      const level = this.#level(at);
      const child = level.children?.[table * level.entries + this.#index(address, at)] ?? 0;
      if (child === 0) return false;
      table = child - 1;
    }
    this.table = table;
    return true;
  }

  /** Puts a table of smaller pages with the same translations in the place of a block. @see arm_lpae_split_blk_unmap */
  #splitBlock(depth: number, table: number, index: number): number {
    const { words, stride, entries, level } = this.#level(depth);
    const at = (table * entries + index) * stride;
    const low = words[at] as number;
    const high = stride === 2 ? (words[at + 1] as number) : 0;
    const address = this.format.addressOf(low, high, level);
    const prot = this.format.protOf(low, high, level);
    const child = this.#newTable(depth + 1);
    const next = this.#level(depth + 1);
    const first = child * next.entries * next.stride;
    this.format.writeLeaves(next.words, first, next.entries, next.level, address, prot);
    this.#written(depth + 1, child, 0, next.entries);
    this.#link(depth, table, index, child);
    return child;
  }

  #install(depth: number, table: number, index: number): number {
    const child = this.#newTable(depth + 1);
    this.#link(depth, table, index, child);
    return child;
  }

  #link(depth: number, table: number, index: number, child: number): void {
    const level = this.#level(depth);
    const place = table * level.entries + index;
    (level.children as Int32Array)[place] = child + 1;
    const address = this.#level(depth + 1).addressOf(child);
    this.format.writeTable(level.words, place * level.stride, level.level, address);
    this.#written(depth, table, index, 1);
  }

  #newTable(depth: number): number {
    const level = this.#level(depth);
    const table = level.add(this.#memory.allocate(level.bytes));
    const { entries, stride } = level;
    this.format.writeInvalid?.(level.words, table * entries * stride, entries, level.level);
    this.#written(depth, table, 0, level.entries);
    return table;
  }

  /** A table and all below it are not in use any more. */
  #drop(depth: number, table: number): void {
    const { children, entries } = this.#level(depth);
    if (children !== null) {
      for (let i = table * entries; i < (table + 1) * entries; i++) {
        const child = children[i] as number;
        if (child > 0) this.#drop(depth + 1, child - 1);
      }
    }
    this.#gone.push(depth, table);
  }

  #written(depth: number, table: number, index: number, count: number): void {
    const level = this.#level(depth);
    const address = (level.addressOf(table) + index * level.stride * 4) as PhysAddr;
    const bytes = count * level.stride * 4;
    this.#memory.wrote(address, bytes);
    if (this.#clean) this.#memory.sync(address, bytes);
  }

  #invalid(what: string, reason: string): KernelError {
    return new KernelError("EINVAL", `iommu_${what}`, `${this.format.name}: ${reason}`);
  }
}
