// SPDX-License-Identifier: MIT
import { type ByteStore, CHUNK } from "./byte-store.ts";
import type { Domain } from "./topology.ts";

/** The lines of one chunk of memory in one cache: their bytes, and two bits a line. */
interface Plane {
  /** First address of the chunk. */
  readonly base: number;
  readonly data: Uint8Array;
  readonly resident: Uint32Array;
  readonly dirty: Uint32Array;
}

/** What a visitor of lines is told: a run of neighbouring lines as byte offsets in the chunk. */
type VisitRun = (plane: Plane, low: number, high: number) => void;

/**
 * One domain's cache with real lines and without a size limit: what leaves it is decided by events, not by a set.
 * Work goes through runs of neighbouring lines, so that what is not cached costs nothing and what is costs a copy.
 */
export class LineStore {
  readonly domain: Domain;
  readonly #memory: ByteStore;
  readonly #planes = new Map<number, Plane>();

  constructor(domain: Domain, memory: ByteStore) {
    this.domain = domain;
    this.#memory = memory;
  }

  /** Whether the line that holds the address is in the cache. */
  isResident(address: number): boolean {
    const plane = this.#planes.get(Math.floor(address / CHUNK));
    return plane !== undefined && bit(plane.resident, Math.floor((address % CHUNK) / this.domain.line));
  }

  /** Whether the line that holds the address is in the cache and has to be written back. */
  isDirty(address: number): boolean {
    const plane = this.#planes.get(Math.floor(address / CHUNK));
    return plane !== undefined && bit(plane.dirty, Math.floor((address % CHUNK) / this.domain.line));
  }

  /** The cached byte; only meaningful for a resident line. */
  at(address: number): number {
    return this.#planes.get(Math.floor(address / CHUNK))?.data[address % CHUNK] ?? 0;
  }

  /** Fills the lines of [start, end) that are absent, and copies the range to `into` from its index `at`. */
  read(start: number, end: number, into: Uint8Array, at: number): void {
    this.#forEachPlane(start, end, true, (plane, low, high) => {
      this.#fill(plane, low, high);
      copy(plane.data, low, into, at + plane.base + low - start, high - low);
    });
  }

  /** Stores bytes of `from`, beginning at its index `at`, in [start, end): the lines become dirty, edges are filled. */
  write(start: number, end: number, from: Uint8Array, at: number): void {
    const { line } = this.domain;
    this.#forEachPlane(start, end, true, (plane, low, high) => {
      if (low % line !== 0) this.#fill(plane, low, low + 1);
      if (high % line !== 0) this.#fill(plane, high - 1, high);
      copy(from, at + plane.base + low - start, plane.data, low, high - low);
      const first = Math.floor(low / line);
      const last = Math.ceil(high / line);
      setBits(plane.resident, first, last, true);
      setBits(plane.dirty, first, last, true);
    });
  }

  /** Copies what is cached of [start, end) over `into`, whose index `at` stands for `start`. */
  overlay(start: number, end: number, into: Uint8Array, at: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => {
      this.#forEachRun(plane, plane.resident, low, high, (_plane, from, to) => {
        const first = Math.max(from, low);
        copy(plane.data, first, into, at + plane.base + first - start, Math.min(to, high) - first);
      });
    });
  }

  /** Fills the absent lines that meet [start, end). */
  fill(start: number, end: number): void {
    this.#forEachPlane(start, end, true, (plane, low, high) => this.#fill(plane, low, high));
  }

  /** Writes the dirty lines that meet [start, end) to memory; they stay. */
  clean(start: number, end: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => {
      const memory = this.#memory.chunk(plane.base);
      this.#forEachRun(plane, plane.dirty, low, high, (_plane, from, to) => {
        copy(plane.data, from, memory, from, to - from);
      });
      this.#clear(plane.dirty, low, high);
    });
  }

  /** Drops the lines that meet [start, end), dirty or not. */
  drop(start: number, end: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => {
      this.#clear(plane.resident, low, high);
      this.#clear(plane.dirty, low, high);
    });
  }

  #fill(plane: Plane, low: number, high: number): void {
    const { line } = this.domain;
    const memory = this.#memory.chunk(plane.base);
    const last = Math.ceil(high / line);
    let from = -1;
    for (let index = Math.floor(low / line); index <= last; index++) {
      const absent = index < last && !bit(plane.resident, index);
      if (absent && from < 0) from = index;
      if (absent || from < 0) continue;
      copy(memory, from * line, plane.data, from * line, (index - from) * line);
      setBits(plane.resident, from, index, true);
      from = -1;
    }
  }

  #clear(bits: Uint32Array, low: number, high: number): void {
    const { line } = this.domain;
    setBits(bits, Math.floor(low / line), Math.ceil(high / line), false);
  }

  /** Runs of lines whose bit is set among those that meet the offsets [low, high); whole words of zeroes are skipped. */
  #forEachRun(plane: Plane, bits: Uint32Array, low: number, high: number, visit: VisitRun): void {
    const { line } = this.domain;
    const last = Math.ceil(high / line);
    let from = -1;
    for (let index = Math.floor(low / line); index < last; index++) {
      const word = bits[index >>> 5] as number;
      if ((index & 31) === 0 && index + 32 <= last && (word === 0 || word === 0xffff_ffff)) {
        if (word !== 0 && from < 0) from = index;
        if (word === 0 && from >= 0) {
          visit(plane, from * line, index * line);
          from = -1;
        }
        index += 31;
        continue;
      }
      if ((word >>> (index & 31)) & 1) {
        if (from < 0) from = index;
      } else if (from >= 0) {
        visit(plane, from * line, index * line);
        from = -1;
      }
    }
    if (from >= 0) visit(plane, from * line, last * line);
  }

  /** The planes of [start, end) with the part of each as offsets in it; missing ones are made or left out. */
  #forEachPlane(start: number, end: number, make: boolean, visit: VisitRun): void {
    for (let at = start; at < end; ) {
      const chunk = Math.floor(at / CHUNK);
      const base = chunk * CHUNK;
      let plane = this.#planes.get(chunk);
      if (plane === undefined && make) {
        const words = Math.max(1, CHUNK / this.domain.line / 32);
        plane = {
          base,
          data: new Uint8Array(CHUNK),
          resident: new Uint32Array(words),
          dirty: new Uint32Array(words),
        };
        this.#planes.set(chunk, plane);
      }
      const stop = Math.min(end, base + CHUNK);
      if (plane !== undefined) visit(plane, at - base, stop - base);
      at = stop;
    }
  }
}

const bit = (bits: Uint32Array, index: number): boolean =>
  (((bits[index >>> 5] as number) >>> (index & 31)) & 1) === 1;

function setBits(bits: Uint32Array, from: number, to: number, value: boolean): void {
  for (let index = from; index < to; ) {
    const shift = index & 31;
    const count = Math.min(32 - shift, to - index);
    const mask = count === 32 ? 0xffff_ffff : ((1 << count) - 1) << shift;
    const word = bits[index >>> 5] as number;
    bits[index >>> 5] = value ? word | mask : word & ~mask;
    index += count;
  }
}

/** A view costs more than a loop for a line or two. */
function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length > 192) {
    to.set(from.subarray(fromAt, fromAt + length), toAt);
    return;
  }
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i] as number;
}
