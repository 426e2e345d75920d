// SPDX-License-Identifier: MIT

const SMALLEST = 4;

/** Blocks of 4, 8, 16... numbers in one flat array; a block is known by where it starts. */
export class BlockArena {
  /** The numbers. Replaced when the arena grows, so nobody may keep it across a `take`. */
  words = new Int32Array(64);
  #used = 0;
  /** Free blocks of SMALLEST * 2^k words at index k. */
  readonly #free: number[][] = [];

  /** The start of a block with room for so many words; what is in it is left from the one before. */
  take(words: number): number {
    const size = sizeOf(words);
    const free = this.#free[size]?.pop();
    if (free !== undefined) return free;
    const start = this.#used;
    this.#used += SMALLEST * 2 ** size;
    if (this.#used > this.words.length) {
      const grown = new Int32Array(Math.max(this.#used, 2 * this.words.length));
      grown.set(this.words);
      this.words = grown;
    }
    return start;
  }

  /** Gives a block back that was taken for so many words. */
  release(start: number, words: number): void {
    const size = sizeOf(words);
    while (this.#free.length <= size) this.#free.push([]);
    (this.#free[size] as number[]).push(start);
  }
}

/** Which size of block holds so many words: the k of SMALLEST * 2^k. */
const sizeOf = (words: number): number => Math.max(0, Math.ceil(Math.log2(words / SMALLEST)));
