// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";
import { Descriptor, type TableFormat, type TableLevel } from "./table-format.ts";
import type { TablePool } from "./table-pool.ts";

/** All tables of one level, in a pool that they share with those of other levels. */
export class LevelTables {
  /** The architecture's number of it. */
  readonly level: number;
  /** Whether a descriptor can be a page or block. */
  readonly leaf: boolean;
  /** Bytes that a descriptor stands for. */
  readonly size: number;
  /** Descriptors of a table. */
  readonly entries: number;
  readonly pool: TablePool;
  /** How many tables there are. */
  count = 0;
  /** The number of a descriptor in its table is `address * scale & mask`; sizes are powers of two, so this is exact. */
  readonly scale: number;
  readonly mask: number;
  readonly #format: TableFormat;
  readonly #isZeroInvalid: boolean;

  constructor(format: TableFormat, { level, shift, bits, leaf }: TableLevel, pool: TablePool) {
    this.level = level;
    this.leaf = leaf;
    this.size = 2 ** shift;
    this.entries = 2 ** bits;
    this.scale = 2 ** -shift;
    this.mask = this.entries - 1;
    this.pool = pool;
    this.#format = format;
    this.#isZeroInvalid = format.writeInvalid === undefined;
  }

  /** Bytes of one table. */
  get bytes(): number {
    return this.entries * this.#format.descriptorBytes;
  }

  /** Which descriptor of a table stands for an address. */
  indexOf(address: number): number {
    return (address * this.scale) & this.mask;
  }

  /** The table that a descriptor leads to, or -1. */
  child(place: number): number {
    return this.pool.children.length === 0 ? -1 : (this.pool.children[place] as number) - 1;
  }

  /** The first word of a descriptor. */
  low(place: number): number {
    return this.pool.words[place * this.pool.stride] as number;
  }

  /** Its second word, 0 where there is none. */
  high(place: number): number {
    return this.pool.stride === 2 ? (this.pool.words[place * 2 + 1] as number) : 0;
  }

  /** What it is, one of `Descriptor`. */
  kindOf(place: number): number {
    const [low, high] = [this.low(place), this.high(place)];
    if (low === 0 && high === 0 && this.#isZeroInvalid) return Descriptor.INVALID;
    return this.#format.kindOf(low, high, this.level);
  }

  /** How many descriptors from a place on map nothing, at most `most`. */
  freeRun(place: number, most: number): number {
    return this.#isZeroInvalid ? this.pool.runOf(true, place, most) : this.#runOf(true, place, most);
  }

  /** How many descriptors from a place on map something, at most `most`. */
  usedRun(place: number, most: number): number {
    return this.#isZeroInvalid ? this.pool.runOf(false, place, most) : this.#runOf(false, place, most);
  }

  /** Makes descriptors map nothing. */
  clear(place: number, count: number): void {
    const { pool } = this;
    if (this.#isZeroInvalid) pool.clear(place, count);
    else {
      // What an invalid descriptor holds may come from what was there.
      pool.children.fill(0, place, place + count);
      this.#format.writeInvalid?.(pool.words, place * pool.stride, count, this.level);
    }
  }

  /** A table in which nothing is mapped, at that address. */
  add(address: PhysAddr): number {
    const { pool, entries } = this;
    const table = pool.add(entries, address);
    this.#format.writeInvalid?.(pool.words, table * pool.stride, entries, this.level);
    this.count++;
    return table;
  }

  /** Writes descriptors of pages or blocks that follow each other. */
  writeLeaves(place: number, count: number, address: number, prot: number): void {
    const { words, stride } = this.pool;
    this.#format.writeLeaves(words, place * stride, count, this.level, address, prot);
  }

  #runOf(invalid: boolean, place: number, most: number): number {
    for (let i = 0; i < most; i++) if ((this.kindOf(place + i) === Descriptor.INVALID) !== invalid) return i;
    return most;
  }

  /** Makes a descriptor lead to a table at that address. */
  writeTable(place: number, child: number, address: number): void {
    const { words, stride, children } = this.pool;
    children[place] = child + 1;
    this.#format.writeTable(words, place * stride, this.level, address);
  }
}
