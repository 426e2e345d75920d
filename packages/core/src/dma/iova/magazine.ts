// SPDX-License-Identifier: MIT

/** First frames in a magazine at most. @see IOVA_MAG_SIZE */
export const MAGAZINE_SIZE = 127;

/** A stack of up to 127 first frames of free ranges of one size. @see struct iova_magazine */
export class Magazine {
  readonly #frames = new Float64Array(MAGAZINE_SIZE);
  #count = 0;

  /** Number of frames in it. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === MAGAZINE_SIZE;
  }

  /** Puts a frame on top; there must be room. */
  push(frame: number): void {
    this.#frames[this.#count++] = frame;
  }

  /**
   * Takes the uppermost frame that is `highest` or lower, and puts the top one in its place; null when there is none.
   * @see iova_magazine_pop
   */
  pop(highest: number): number | null {
    const frames = this.#frames;
    for (let i = this.#count - 1; i >= 0; i--) {
      const frame = frames[i] as number;
      if (frame > highest) continue;
      frames[i] = frames[--this.#count] as number;
      return frame;
    }
    return null;
  }

  /** Empties it from the bottom up. @see iova_magazine_free_pfns */
  drain(visit: (frame: number) => void): void {
    const count = this.#count;
    this.#count = 0;
    for (let i = 0; i < count; i++) visit(this.#frames[i] as number);
  }
}
