// SPDX-License-Identifier: MIT
import { type ByteStore, CHUNK } from "./byte-store.ts";
import { LinePlane } from "./line-plane.ts";
import type { Domain } from "./topology.ts";

/**
 * One domain's cache with real lines and without a size limit: what leaves it is decided by events, not by a set.
 * The work is done by a {@link LinePlane} for each chunk of memory.
 */
export class LineStore {
  readonly domain: Domain;
  readonly #memory: ByteStore;
  readonly #planes = new Map<number, LinePlane>();

  constructor(domain: Domain, memory: ByteStore) {
    this.domain = domain;
    this.#memory = memory;
  }

  /** Whether the line that holds the address is in the cache. */
  isResident(address: number): boolean {
    return this.#planeAt(address)?.isResident(address % CHUNK) ?? false;
  }

  /** Whether the line that holds the address is in the cache and has to be written back. */
  isDirty(address: number): boolean {
    return this.#planeAt(address)?.isDirty(address % CHUNK) ?? false;
  }

  /** The cached byte; only meaningful for a resident line. */
  at(address: number): number {
    return this.#planeAt(address)?.at(address % CHUNK) ?? 0;
  }

  /** Fills the lines of [start, end) that are absent, and copies the range to `into` from its index `at`. */
  read(start: number, end: number, into: Uint8Array, at: number): void {
    this.#forEachPlane(start, end, true, (plane, low, high, from) => plane.read(low, high, into, at + from));
  }

  /** Stores bytes of `from`, beginning at its index `at`, in [start, end): the lines become dirty, edges are filled. */
  write(start: number, end: number, from: Uint8Array, at: number): void {
    this.#forEachPlane(start, end, true, (plane, low, high, skipped) =>
      plane.write(low, high, from, at + skipped),
    );
  }

  /** Copies what is cached of [start, end) over `into`, whose index `at` stands for `start`. */
  overlay(start: number, end: number, into: Uint8Array, at: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high, skipped) =>
      plane.overlay(low, high, into, at + skipped),
    );
  }

  /** Fills the absent lines that meet [start, end). */
  fill(start: number, end: number): void {
    this.#forEachPlane(start, end, true, (plane, low, high) => plane.fill(low, high));
  }

  /** Writes the dirty lines that meet [start, end) to memory; they stay. */
  clean(start: number, end: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => plane.clean(low, high));
  }

  /** Calls the lines that meet [start, end) clean: somebody else has taken what was dirty in them. */
  markClean(start: number, end: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => plane.markClean(low, high));
  }

  /** Drops the lines that meet [start, end), dirty or not. */
  drop(start: number, end: number): void {
    this.#forEachPlane(start, end, false, (plane, low, high) => plane.drop(low, high));
  }

  #planeAt(address: number): LinePlane | undefined {
    return this.#planes.get(Math.floor(address / CHUNK));
  }

  /**
   * The planes of [start, end), the part of each as offsets in it, and the bytes of the range that come before; missing
   * planes are made or left out.
   */
  #forEachPlane(
    start: number,
    end: number,
    make: boolean,
    visit: (plane: LinePlane, low: number, high: number, skipped: number) => void,
  ): void {
    for (let at = start; at < end; ) {
      const chunk = Math.floor(at / CHUNK);
      const base = chunk * CHUNK;
      const stop = Math.min(end, base + CHUNK);
      let plane = this.#planes.get(chunk);
      if (plane === undefined && make) {
        plane = new LinePlane(this.#memory.chunk(base), this.domain.line);
        this.#planes.set(chunk, plane);
      }
      if (plane !== undefined) visit(plane, at - base, stop - base, at - start);
      at = stop;
    }
  }
}
