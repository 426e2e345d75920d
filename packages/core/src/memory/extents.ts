// SPDX-License-Identifier: MIT
import { type PhysAddr, physAddr } from "../address.ts";

/** What differs in the low 12 bits decides whether ranges are made of whole lines. */
const LOW_BITS = 4095;

/**
 * A list of physical ranges in the order in which a buffer uses them: byte 0 of the buffer is the first byte of the
 * first range. One flat array, not an object a range; ranges are half-open and never empty.
 */
export class Extents {
  /** Start and end of each range, in buffer order. */
  readonly pairs: Float64Array;
  /** Total length in bytes. */
  readonly bytes: number;
  /** Whether the ranges ascend and do not overlap. */
  readonly ascending: boolean;
  /** The low 12 bits of every start and end, or-ed. */
  readonly #unaligned: number;
  #starts: Float64Array | null = null;
  #ends: Float64Array | null = null;
  #offsets: Float64Array | null = null;

  /** @param pairs start and end of each range; throws `TypeError` for an empty or reversed one. */
  constructor(pairs: Float64Array) {
    let bytes = 0;
    let ascending = true;
    let unaligned = 0;
    let previous = -1;
    for (let i = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      if (!(end > start && start >= 0)) throw new TypeError(`empty range [${start}, ${end})`);
      bytes += end - start;
      if (start < previous) ascending = false;
      previous = end;
      unaligned |= (start & LOW_BITS) | (end & LOW_BITS);
    }
    this.pairs = pairs;
    this.bytes = bytes;
    this.ascending = ascending;
    this.#unaligned = unaligned;
  }

  /** From pairs of start and end, merging neighbours that touch. Throws `TypeError` for an empty or reversed range. */
  static of(...ranges: readonly (readonly [start: number, end: number])[]): Extents {
    const pairs: number[] = [];
    for (const [start, end] of ranges) {
      if (!(end > start)) throw new TypeError(`empty range [${start}, ${end})`);
      if (pairs.at(-1) === start) pairs[pairs.length - 1] = end;
      else pairs.push(start, end);
    }
    return new Extents(Float64Array.from(pairs));
  }

  /** From first addresses and addresses past the last byte, one range each, neighbours or not. Throws as the constructor. */
  static each(starts: ArrayLike<number>, ends: ArrayLike<number>): Extents {
    const pairs = new Float64Array(starts.length * 2);
    for (let i = 0; i < starts.length; i++) {
      pairs[i * 2] = starts[i] as number;
      pairs[i * 2 + 1] = ends[i] as number;
    }
    return new Extents(pairs);
  }

  /** Number of ranges. */
  get count(): number {
    return this.pairs.length / 2;
  }

  /** First address of each range. */
  get starts(): Float64Array {
    this.#starts ??= this.pairs.filter((_, i) => i % 2 === 0);
    return this.#starts;
  }

  /** Address past the last byte of each range. */
  get ends(): Float64Array {
    this.#ends ??= this.pairs.filter((_, i) => i % 2 === 1);
    return this.#ends;
  }

  /** Offset in the buffer of each range's first byte. */
  get offsets(): Float64Array {
    if (this.#offsets === null) {
      const offsets = new Float64Array(this.count);
      for (let i = 1; i < offsets.length; i++) {
        const length = (this.pairs[i * 2 - 1] as number) - (this.pairs[i * 2 - 2] as number);
        offsets[i] = (offsets[i - 1] as number) + length;
      }
      this.#offsets = offsets;
    }
    return this.#offsets;
  }

  /** Whether every range is made of whole lines of `line` bytes, a power of two up to 4096. */
  isAligned(line: number): boolean {
    return (this.#unaligned & (line - 1)) === 0;
  }

  /** The physical address of the byte at `offset`; throws `TypeError` outside [0, bytes). */
  addressAt(offset: number): PhysAddr {
    if (!(offset >= 0 && offset < this.bytes)) {
      throw new TypeError(`offset ${offset} outside ${this.bytes} bytes`);
    }
    if (this.pairs.length === 2 || offset === 0) return physAddr((this.pairs[0] as number) + offset);
    const i = this.#indexAt(offset);
    return physAddr((this.pairs[i * 2] as number) + offset - (this.offsets[i] as number));
  }

  /** Offset in the buffer of a physical address (the first one where the buffer aliases itself), or -1. */
  offsetOf(address: number): number {
    let offset = 0;
    for (let i = 0; i < this.pairs.length; i += 2) {
      const start = this.pairs[i] as number;
      const end = this.pairs[i + 1] as number;
      if (address >= start && address < end) return offset + address - start;
      offset += end - start;
    }
    return -1;
  }

  /** The part [offset, offset + length) of the buffer; the list itself when that is all of it. */
  slice(offset: number, length: number): Extents {
    if (offset === 0 && length === this.bytes) return this;
    if (!(offset >= 0 && length > 0 && offset + length <= this.bytes)) {
      throw new TypeError(`part [${offset}, ${offset + length}) outside ${this.bytes} bytes`);
    }
    const first = this.#indexAt(offset);
    const last = this.#indexAt(offset + length - 1);
    const pairs = this.pairs.slice(first * 2, last * 2 + 2);
    pairs[0] = (pairs[0] as number) + offset - (this.offsets[first] as number);
    pairs[pairs.length - 1] =
      (this.pairs[last * 2] as number) + offset + length - (this.offsets[last] as number);
    return new Extents(pairs);
  }

  /** Index of the range that holds the byte at `offset`. */
  #indexAt(offset: number): number {
    const { offsets } = this;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((offsets[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
