// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";
import type { TableLevel } from "./table-format.ts";

/** Tables that a level has room for at first. */
const ROOM = 4;

/** All tables of one level: descriptors as words in one array, and where each table lies in memory. */
export class LevelTables {
  readonly level: number;
  /** Descriptors of a table. */
  readonly entries: number;
  /** Words of a descriptor. */
  readonly stride: number;
  /** The descriptors of all tables, one table after the other. */
  words: Uint32Array;
  /** The table of the next level behind each descriptor, plus one; 0 where there is none. Null for the last level. */
  children: Int32Array | null;
  /** How many there are. */
  count = 0;
  readonly #addresses: number[] = [];
  readonly #spare: number[] = [];

  constructor({ level, bits }: TableLevel, descriptorBytes: number, isLast: boolean) {
    this.level = level;
    this.entries = 2 ** bits;
    this.stride = descriptorBytes / 4;
    const room = Math.max(1, Math.min(ROOM, Math.floor(2 ** 16 / this.entries)));
    this.words = new Uint32Array(room * this.entries * this.stride);
    this.children = isLast ? null : new Int32Array(room * this.entries);
  }

  /** Bytes of one table. */
  get bytes(): number {
    return this.entries * this.stride * 4;
  }

  /** Bytes of memory that the tables take, with room for more. */
  get room(): number {
    return this.words.byteLength + (this.children?.byteLength ?? 0);
  }

  /** Where a table lies. */
  addressOf(table: number): PhysAddr {
    return this.#addresses[table] as PhysAddr;
  }

  /** A table of zeros at that address. */
  add(address: PhysAddr): number {
    const table = this.#spare.pop() ?? this.#addresses.length;
    if ((table + 1) * this.entries * this.stride > this.words.length) this.#grow();
    this.#addresses[table] = address;
    this.words.fill(0, table * this.entries * this.stride, (table + 1) * this.entries * this.stride);
    this.children?.fill(0, table * this.entries, (table + 1) * this.entries);
    this.count++;
    return table;
  }

  /** Lets a table go. Its words stay as they are until another one takes its place. */
  remove(table: number): void {
    this.#spare.push(table);
    this.count--;
  }

  #grow(): void {
    const words = new Uint32Array(this.words.length * 2);
    words.set(this.words);
    this.words = words;
    if (this.children === null) return;
    const children = new Int32Array(this.children.length * 2);
    children.set(this.children);
    this.children = children;
  }
}
