// SPDX-License-Identifier: MIT

/** A bit for each of a number of lines, worked on by runs: 32 lines that are alike take one step. */
export class LineBits {
  readonly #words: Int32Array;

  /** All bits are clear. */
  constructor(lines: number) {
    this.#words = new Int32Array(Math.ceil(lines / 32));
  }

  /** Whether the bit of a line is set. */
  has(line: number): boolean {
    return (((this.#words[line >>> 5] as number) >>> (line & 31)) & 1) === 1;
  }

  /** Sets or clears the bits of [from, to). */
  fill(from: number, to: number, value: boolean): void {
    for (let line = from; line < to; line = (line | 31) + 1) {
      const mask = maskFrom(line) & maskUpTo(line, to);
      const word = this.#words[line >>> 5] as number;
      this.#words[line >>> 5] = value ? word | mask : word & ~mask;
    }
  }

  /** The first line of [from, to) whose bit is `value`, or `to`. */
  next(from: number, to: number, value: boolean): number {
    const flip = value ? 0 : -1;
    for (let line = from; line < to; line = (line | 31) + 1) {
      const found = ((this.#words[line >>> 5] as number) ^ flip) & maskFrom(line);
      if (found !== 0) return Math.min(to, (line & ~31) + 31 - Math.clz32(found & -found));
    }
    return to;
  }
}

/** The bits of a line and those after it in the line's word. */
const maskFrom = (line: number): number => -1 << (line & 31);

/** The bits in the line's word of lines before `to`. */
const maskUpTo = (line: number, to: number): number => ((line | 31) < to ? -1 : ~(-1 << (to & 31)));
