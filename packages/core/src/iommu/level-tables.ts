// SPDX-License-Identifier: MIT
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
  /** Whether what maps nothing is zero. */
  readonly #zeroes: boolean;

  constructor(format: TableFormat, { level, shift, bits, leaf }: TableLevel, pool: TablePool) {
    this.level = level;
    this.leaf = leaf;
    this.size = 2 ** shift;
    this.entries = 2 ** bits;
    this.scale = 2 ** -shift;
    this.mask = this.entries - 1;
    this.pool = pool;
    this.#format = format;
    this.#zeroes = format.writeInvalid === undefined;
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
    if (this.#zeroes && low === 0 && high === 0) return Descriptor.INVALID;
    return this.#format.kindOf(low, high, this.level);
  }

  /** How many descriptors from a place on map nothing, at most `most`. */
  freeRun(place: number, most: number): number {
    return this.#zeroes ? this.pool.runOf(true, place, most) : this.#runOfKind(true, place, most);
  }

  /** How many descriptors from a place on are something, at most `most`. */
  usedRun(place: number, most: number): number {
    return this.#zeroes ? this.pool.runOf(false, place, most) : this.#runOfKind(false, place, most);
  }

  /** Makes a table of zeros one that maps nothing. */
  begin(table: number): void {
    if (!this.#zeroes) this.clear(table, this.entries);
  }

  /** Makes descriptors map nothing, of which none leads to a table any more. */
  clear(place: number, count: number): void {
    const { words, stride } = this.pool;
    if (this.#zeroes) this.pool.zero(place, count);
    else this.#format.writeInvalid?.(words, place * stride, count, this.level);
  }

  /** Writes descriptors of pages or blocks that follow each other. */
  writeLeaves(place: number, count: number, address: number, prot: number): void {
    const { words, stride } = this.pool;
    this.#format.writeLeaves(words, place * stride, count, this.level, address, prot);
  }

  /** Makes a descriptor lead to a table at that address. */
  writeTable(place: number, child: number, address: number): void {
    const { words, stride, children } = this.pool;
    children[place] = child + 1;
    this.#format.writeTable(words, place * stride, this.level, address);
  }

  #runOfKind(invalid: boolean, place: number, most: number): number {
    for (let i = 0; i < most; i++) if ((this.kindOf(place + i) === Descriptor.INVALID) !== invalid) return i;
    return most;
  }
}
