// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";

/** Descriptors that a pool has room for at first. */
const ROOM = 2048;

/**
 * Page tables one after the other: their descriptors as words in one array, and where each lies in memory. A table is named by the
 * place of its first descriptor.
 */
export class TablePool {
  /** Words of a descriptor. */
  readonly stride: number;
  /** The words of all descriptors. */
  words: Uint32Array;
  /** Behind each descriptor the table that it leads to, plus one; 0 where there is none. Empty where none can lead to one. */
  children: Int32Array;
  /** Descriptors of the smallest table here: all tables are multiples. */
  readonly #unit: number;
  readonly #addresses: number[] = [];
  readonly #spare = new Map<number, number[]>();
  #end = 0;

  constructor(unit: number, descriptorBytes: number, hasChildren: boolean) {
    this.#unit = unit;
    this.stride = descriptorBytes / 4;
    const room = Math.max(unit, ROOM);
    this.words = new Uint32Array(room * this.stride);
    this.children = new Int32Array(hasChildren ? room : 0);
  }

  /** Bytes that it takes, with room for more. */
  get bytes(): number {
    return this.words.byteLength + this.children.byteLength;
  }

  /** Where a table lies. */
  addressOf(table: number): PhysAddr {
    return this.#addresses[table / this.#unit] as PhysAddr;
  }

  /** A table of zeros at that address. */
  add(entries: number, address: PhysAddr): number {
    const spare = this.#spare.get(entries)?.pop();
    const table = spare ?? this.#end;
    if (spare === undefined) {
      this.#end += entries;
      while (this.#end * this.stride > this.words.length) this.#grow();
    } else this.zero(table, entries);
    this.#addresses[table / this.#unit] = address;
    return table;
  }

  /** Lets a table go. Its words stay as they are until another one takes its place. */
  remove(table: number, entries: number): void {
    const spare = this.#spare.get(entries);
    if (spare === undefined) this.#spare.set(entries, [table]);
    else spare.push(table);
  }

  /** Zeroes descriptors. */
  zero(place: number, count: number): void {
    this.words.fill(0, place * this.stride, (place + count) * this.stride);
    this.children.fill(0, place, place + count);
  }

  /** How many descriptors from a place on are zero, or how many are not; at most `most`. */
  runOf(zero: boolean, place: number, most: number): number {
    const { words, stride } = this;
    let at = place * stride;
    for (let i = 0; i < most; i++, at += stride) {
      const isZero = words[at] === 0 && (stride === 1 || words[at + 1] === 0);
      if (isZero !== zero) return i;
    }
    return most;
  }

  #grow(): void {
    const words = new Uint32Array(this.words.length * 2);
    words.set(this.words);
    this.words = words;
    const children = new Int32Array(this.children.length * 2);
    children.set(this.children);
    this.children = children;
  }
}
