// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";

/** A place in a named buffer. */
export interface BufferPlace {
  /** The pool's name, as in the pipeline. */
  readonly buffer: string;
  /** Which of the pool's buffers. */
  readonly index: number;
  /** Byte offset. */
  readonly offset: number;
}

/** Which buffer an address belongs to, for the run whose findings are told. */
export class BufferMap {
  readonly #entries: { buffer: string; index: number; extents: Extents; low: number; high: number }[] = [];

  /** Names the memory of one buffer. */
  add(buffer: string, index: number, extents: Extents): void {
    const low = Math.min(...extents.starts);
    const high = Math.max(...extents.ends);
    this.#entries.push({ buffer, index, extents, low, high });
  }

  /** The place of an address, or null. */
  find(address: number): BufferPlace | null {
    for (const { buffer, index, extents, low, high } of this.#entries) {
      if (address < low || address >= high) continue;
      const offset = extents.offsetOf(address);
      if (offset >= 0) return { buffer, index, offset };
    }
    return null;
  }

  /** The smallest range of buffer offsets that holds some physical ranges, all in one buffer; null when they are not. */
  rangeOf(ranges: Float64Array): readonly [start: number, end: number] | null {
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (let i = 0; i < ranges.length; i += 2) {
      const first = this.find(ranges[i] as number);
      const last = this.find((ranges[i + 1] as number) - 1);
      if (first === null || last === null) return null;
      start = Math.min(start, first.offset);
      end = Math.max(end, last.offset + 1);
    }
    return ranges.length === 0 ? null : [start, end];
  }
}
