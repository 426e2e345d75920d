// SPDX-License-Identifier: MIT

/**
 * A set of whole numbers from 0 up to a bound below 2^31, one bit each, which finds its next member in a few steps: above
 * the bits lie summaries, each with one bit for every word of the level below that is not empty.
 */
export class IndexSet {
  /** Number of members. */
  size = 0;
  readonly #levels: readonly Int32Array[];

  /** An empty set of numbers in [0, bound). */
  constructor(bound: number) {
    const levels: Int32Array[] = [];
    let words = bound;
    do {
      words = Math.ceil(words / 32);
      levels.push(new Int32Array(words));
    } while (words > 1);
    this.#levels = levels;
  }

  /** Whether `index` is a member; false for numbers out of bounds. */
  has(index: number): boolean {
    return (((this.#levels[0] as Int32Array)[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  /** Adds a number that is not a member yet. */
  add(index: number): void {
    this.size++;
    let position = index;
    for (const words of this.#levels) {
      const word = words[position >>> 5] as number;
      words[position >>> 5] = word | (1 << (position & 31));
      if (word !== 0) return;
      position >>>= 5;
    }
  }

  /** Removes a member. */
  delete(index: number): void {
    this.size--;
    let position = index;
    for (const words of this.#levels) {
      const word = (words[position >>> 5] as number) & ~(1 << (position & 31));
      words[position >>> 5] = word;
      if (word !== 0) return;
      position >>>= 5;
    }
  }

  /** The smallest member from `from` on, or -1. */
  next(from: number): number {
    const levels = this.#levels;
    let position = from;
    for (let level = 0; level < levels.length; level++) {
      const words = levels[level] as Int32Array;
      const at = position >>> 5;
      if (at >= words.length) return -1;
      const bits = (words[at] as number) & (-1 << (position & 31));
      if (bits !== 0) {
        position = (at << 5) | lowestBit(bits);
        while (level > 0)
          position = (position << 5) | lowestBit((levels[--level] as Int32Array)[position] as number);
        return position;
      }
      position = at + 1;
    }
    return -1;
  }
}

/** Number of the lowest bit set in a word that is not 0. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);
