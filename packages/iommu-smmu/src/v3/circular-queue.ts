// SPDX-License-Identifier: MIT

/** OVFLG of a producer's register and OVACKFLG of the consumer's. */
const OVERFLOW = 2 ** 31;

/**
 * A queue in memory as software and hardware share it: entries of the same size, and the registers PROD and CONS, an index and
 * above it a bit that changes with every turn. Equal, the queue is empty; different in that bit alone, it is full.
 * @see Arm IHI 0070, 3.5.1
 */
export class CircularQueue {
  /** Entries that there is room for. */
  readonly size: number;
  readonly #words: number;
  readonly #entries: Uint32Array;
  #produced = 0;
  #consumed = 0;
  #overflow = 0;
  #acknowledged = 0;

  /**
   * @param size entries, a power of two
   * @param words 32-bit words of an entry
   */
  constructor(size: number, words: number) {
    if (size < 1 || size > 2 ** 19 || !Number.isInteger(Math.log2(size)))
      throw new TypeError(`a queue has 1, 2, 4 ... 2^19 entries, not ${size}`);
    this.size = size;
    this.#words = words;
    this.#entries = new Uint32Array(size * words);
  }

  /** The register PROD. */
  get prod(): number {
    return (this.#produced % (2 * this.size)) + this.#overflow;
  }

  /** The register CONS, without an error. */
  get cons(): number {
    return (this.#consumed % (2 * this.size)) + this.#acknowledged;
  }

  /** Entries that wait. */
  get length(): number {
    return this.#produced - this.#consumed;
  }

  get isFull(): boolean {
    return this.length === this.size;
  }

  /** Whether entries were lost since the consumer last said that it knows. */
  get hasOverflown(): boolean {
    return this.#overflow !== this.#acknowledged;
  }

  /** Puts an entry in. False where there is no room. */
  push(entry: Uint32Array): boolean {
    if (this.isFull) return false;
    this.#write(this.#produced, entry);
    this.#produced++;
    return true;
  }

  /** The next entry, or null. */
  peek(): Uint32Array | null {
    if (this.length === 0) return null;
    const at = (this.#consumed % this.size) * this.#words;
    return this.#entries.slice(at, at + this.#words);
  }

  /** Takes the next entry out. */
  pop(): Uint32Array | null {
    const entry = this.peek();
    if (entry !== null) this.#consumed++;
    return entry;
  }

  /** Overwrites the next entry, as software does with a command that is in error. */
  replace(entry: Uint32Array): void {
    this.#write(this.#consumed, entry);
  }

  /** An entry is lost: OVFLG toggles, unless the consumer has not yet seen that it did (M-53). @see Arm IHI 0070, 7.4 */
  overflow(): void {
    if (!this.hasOverflown) this.#overflow = OVERFLOW - this.#overflow;
  }

  /** The consumer has seen that entries were lost: OVACKFLG follows OVFLG. */
  acknowledge(): void {
    this.#acknowledged = this.#overflow;
  }

  #write(index: number, entry: Uint32Array): void {
    const at = (index % this.size) * this.#words;
    for (let i = 0; i < this.#words; i++) this.#entries[at + i] = entry[i] as number;
  }
}
