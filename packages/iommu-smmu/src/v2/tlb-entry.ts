// SPDX-License-Identifier: MIT

/** Bits 11:2 of a descriptor's low word, and 54:53 of the high one, which are 22:21 there. */
const LOW = 0xffc;
const HIGH = 3 << 21;
/** How the 24 bits of an entry are shared out: 12 of attributes, 2 of the level, 10 of the generation. */
const LEVEL = 2 ** 12;
const GENERATION = 2 ** 14;
const GENERATIONS = 2 ** 10;

/** What an entry of the TLB keeps of a descriptor besides the address: attributes, level, and under whose tables it was made. */
export class TlbEntry {
  readonly #packed: number;

  constructor(packed: number) {
    this.#packed = packed;
  }

  static pack(low: number, high: number, level: number, generation: number): number {
    const attributes = (low & LOW) | ((high & HIGH) >>> 21);
    return attributes + level * LEVEL + (generation % GENERATIONS) * GENERATION;
  }

  /** The attributes in the low and in the high word of the descriptor. */
  get low(): number {
    return this.#packed & LOW;
  }

  get high(): number {
    return (this.#packed & 3) << 21;
  }

  get level(): number {
    return Math.floor(this.#packed / LEVEL) & 3;
  }

  /** Whether a descriptor says the same. */
  isOf(low: number, high: number): boolean {
    return (low & LOW) === this.low && (high & HIGH) === this.high;
  }

  /** Whether it was made under tables that the context bank does not have any more. */
  isFromBefore(generation: number): boolean {
    return Math.floor(this.#packed / GENERATION) !== generation % GENERATIONS;
  }
}
