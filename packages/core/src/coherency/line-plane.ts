// SPDX-License-Identifier: MIT
import { CHUNK, copyBytes } from "./byte-store.ts";
import { LineBits } from "./line-bits.ts";

/**
 * The lines of one chunk of memory in one cache: their bytes, and two bits a line. Ranges are offsets in the chunk, and work
 * goes through runs of neighbouring lines, so that what is not cached costs nothing and what is costs a copy.
 */
export class LinePlane {
  readonly #memory: Uint8Array;
  readonly #bytes = new Uint8Array(CHUNK);
  readonly #resident: LineBits;
  readonly #dirty: LineBits;
  /** Shift from an offset to the number of its line. */
  readonly #shift: number;

  /** @param memory the chunk itself. @param line bytes in a line, a power of two. */
  constructor(memory: Uint8Array, line: number) {
    this.#memory = memory;
    this.#shift = Math.log2(line);
    this.#resident = new LineBits(CHUNK / line);
    this.#dirty = new LineBits(CHUNK / line);
  }

  /** Whether the line of an offset is in the cache. */
  isResident(offset: number): boolean {
    return this.#resident.has(offset >>> this.#shift);
  }

  /** Whether the line of an offset is in the cache and has to be written back. */
  isDirty(offset: number): boolean {
    return this.#dirty.has(offset >>> this.#shift);
  }

  /** The byte at an offset; only meaningful in a resident line. */
  at(offset: number): number {
    return this.#bytes[offset] as number;
  }

  /** Fills the lines of [low, high) that are absent, and copies the range to `into` from its index `at`. */
  read(low: number, high: number, into: Uint8Array, at: number): void {
    this.fill(low, high);
    copyBytes(this.#bytes, low, into, at, high - low);
  }

  /** Stores bytes of `from`, beginning at its index `at`, in [low, high): the lines become dirty, edges are filled. */
  write(low: number, high: number, from: Uint8Array, at: number): void {
    const inLine = 2 ** this.#shift - 1;
    if ((low & inLine) !== 0) this.fill(low, low + 1);
    if ((high & inLine) !== 0) this.fill(high - 1, high);
    copyBytes(from, at, this.#bytes, low, high - low);
    this.#resident.fill(this.#first(low), this.#end(high), true);
    this.#dirty.fill(this.#first(low), this.#end(high), true);
  }

  /** Copies what is cached of [low, high) over `into`, whose index `at` stands for `low`. */
  overlay(low: number, high: number, into: Uint8Array, at: number): void {
    const end = this.#end(high);
    for (let line = this.#resident.next(this.#first(low), end, true); line < end; ) {
      const stop = this.#resident.next(line, end, false);
      const from = Math.max(low, line << this.#shift);
      const to = Math.min(high, stop << this.#shift);
      copyBytes(this.#bytes, from, into, at + from - low, to - from);
      line = this.#resident.next(stop, end, true);
    }
  }

  /** Fills the absent lines that meet [low, high). */
  fill(low: number, high: number): void {
    const end = this.#end(high);
    for (let line = this.#resident.next(this.#first(low), end, false); line < end; ) {
      const stop = this.#resident.next(line, end, true);
      copyLines(this.#memory, this.#bytes, line << this.#shift, stop << this.#shift);
      this.#resident.fill(line, stop, true);
      line = this.#resident.next(stop, end, false);
    }
  }

  /** Writes the dirty lines that meet [low, high) to memory; they stay. */
  clean(low: number, high: number): void {
    const end = this.#end(high);
    for (let line = this.#dirty.next(this.#first(low), end, true); line < end; ) {
      const stop = this.#dirty.next(line, end, false);
      copyLines(this.#bytes, this.#memory, line << this.#shift, stop << this.#shift);
      line = this.#dirty.next(stop, end, true);
    }
    this.#dirty.fill(this.#first(low), end, false);
  }

  /** Calls the lines that meet [low, high) clean: somebody else has taken what was dirty in them. */
  markClean(low: number, high: number): void {
    this.#dirty.fill(this.#first(low), this.#end(high), false);
  }

  /** Drops the lines that meet [low, high), dirty or not. */
  drop(low: number, high: number): void {
    this.#resident.fill(this.#first(low), this.#end(high), false);
    this.#dirty.fill(this.#first(low), this.#end(high), false);
  }

  #first(low: number): number {
    return low >>> this.#shift;
  }

  #end(high: number): number {
    return ((high - 1) >>> this.#shift) + 1;
  }
}

/** Copies whole lines to the same place in another chunk. */
const copyLines = (from: Uint8Array, to: Uint8Array, low: number, high: number): void =>
  copyBytes(from, low, to, low, high - low);
