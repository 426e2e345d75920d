// SPDX-License-Identifier: MIT

/**
 * A ring of ranges that wait for a TLB flush, each with the number of flushes that had been started when it came. One
 * place always stays free, so a ring of 256 holds 255. @see struct iova_fq
 */
export class FlushRing {
  readonly #mask: number;
  readonly #frames: Float64Array;
  readonly #sizes: Float64Array;
  readonly #counters: Float64Array;
  #head = 0;
  #tail = 0;

  /** @param size number of places, a power of two */
  constructor(size: number) {
    this.#mask = size - 1;
    this.#frames = new Float64Array(size);
    this.#sizes = new Float64Array(size);
    this.#counters = new Float64Array(size);
  }

  /** Ranges in it. */
  get length(): number {
    return (this.#tail - this.#head) & this.#mask;
  }

  get isFull(): boolean {
    return this.length === this.#mask;
  }

  /** Puts a range in; there must be room. */
  add(frame: number, size: number, flushesStarted: number): void {
    const at = this.#tail;
    this.#frames[at] = frame;
    this.#sizes[at] = size;
    this.#counters[at] = flushesStarted;
    this.#tail = (at + 1) & this.#mask;
  }

  /** Whether a frame is in a range that came after the last of so many finished flushes was started. */
  waits(frame: number, flushesFinished: number): boolean {
    for (let at = this.#head; at !== this.#tail; at = (at + 1) & this.#mask) {
      const skip = frame - (this.#frames[at] as number);
      if (skip < 0 || skip >= (this.#sizes[at] as number)) continue;
      if ((this.#counters[at] as number) >= flushesFinished) return true;
    }
    return false;
  }

  /** Takes out, oldest first, what came before the last of so many finished flushes was started. @see fq_ring_free_locked */
  release(flushesFinished: number, visit: (frame: number, size: number) => void): void {
    while (this.#head !== this.#tail && (this.#counters[this.#head] as number) < flushesFinished) {
      const at = this.#head;
      this.#head = (at + 1) & this.#mask;
      visit(this.#frames[at] as number, this.#sizes[at] as number);
    }
  }
}
