// SPDX-License-Identifier: MIT
import { alignDown } from "../address.ts";
import type { Piece } from "./line-nest.ts";

/**
 * Takes ranges of bytes that are alike, ascending and disjoint, and visits the lines that they make up: runs of lines
 * whose bytes are all alike at once, as one piece, and every other line by itself.
 */
export class LineSplitter {
  readonly #width: number;
  readonly #visit: (pieces: readonly Piece[], start: number, end: number) => void;
  #mixed: Piece[] = [];
  #line = -1;

  /** @param width bytes in a line. @param visit is called with the lines' range, ascending. */
  constructor(width: number, visit: (pieces: readonly Piece[], start: number, end: number) => void) {
    this.#width = width;
    this.#visit = visit;
  }

  /** The next range of bytes. */
  add(start: number, end: number, kind: number): void {
    const width = this.#width;
    for (let at = start; at < end; ) {
      const low = alignDown(at, width);
      if (low !== this.#line) this.finish();
      this.#line = low;
      const whole = low === at ? alignDown(end, width) : low;
      if (whole > at) {
        this.#visit([{ start: 0, end: width, kind }], at, whole);
        at = whole;
        continue;
      }
      const stop = Math.min(end, low + width);
      this.#mixed.push({ start: at - low, end: stop - low, kind });
      at = stop;
    }
  }

  /** There are no more ranges. */
  finish(): void {
    if (this.#mixed.length > 0) this.#visit(this.#mixed, this.#line, this.#line + this.#width);
    this.#mixed = [];
  }
}
