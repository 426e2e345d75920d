// SPDX-License-Identifier: MIT

const EMPTY = -1;

/** How long the range is that begins at a page frame: a hash table in two flat arrays, 16 bytes a place. */
export class RangeTable {
  /** Number of ranges. */
  size = 0;
  #firsts = new Float64Array(64).fill(EMPTY);
  #ends = new Float64Array(64);
  /** The hash is the top bits of a 32-bit product. */
  #shift = 26;

  /** First frame past the range that begins at `first`, or -1 where none begins. */
  end(first: number): number {
    const place = this.#placeOf(first);
    return this.#firsts[place] === first ? (this.#ends[place] as number) : -1;
  }

  /** Notes the range [first, end), or a new end of the one that begins there. */
  set(first: number, end: number): void {
    if (4 * (this.size + 1) > 3 * this.#firsts.length) this.#double();
    const place = this.#placeOf(first);
    if (this.#firsts[place] !== first) this.size++;
    this.#firsts[place] = first;
    this.#ends[place] = end;
  }

  /** Forgets the range that begins at `first`; returns its end, or -1 where none begins. */
  delete(first: number): number {
    const firsts = this.#firsts;
    const ends = this.#ends;
    const mask = firsts.length - 1;
    let hole = this.#placeOf(first);
    if (firsts[hole] !== first) return -1;
    const end = ends[hole] as number;
    // What lies behind the hole and was pushed past it by collisions moves up, so that no search ends too early.
    for (let place = (hole + 1) & mask; firsts[place] !== EMPTY; place = (place + 1) & mask) {
      const wanted = this.#hash(firsts[place] as number);
      if (((place - wanted) & mask) < ((place - hole) & mask)) continue;
      firsts[hole] = firsts[place] as number;
      ends[hole] = ends[place] as number;
      hole = place;
    }
    firsts[hole] = EMPTY;
    this.size--;
    return end;
  }

  /** The place of a range, or the free one where it would go. */
  #placeOf(first: number): number {
    const firsts = this.#firsts;
    const mask = firsts.length - 1;
    let place = this.#hash(first);
    while (firsts[place] !== first && firsts[place] !== EMPTY) place = (place + 1) & mask;
    return place;
  }

  #hash(first: number): number {
    const folded = (first | 0) ^ Math.imul((first / 2 ** 32) | 0, 0x85eb_ca6b);
    return Math.imul(folded, 0x9e37_79b1) >>> this.#shift;
  }

  #double(): void {
    const firsts = this.#firsts;
    const ends = this.#ends;
    this.#firsts = new Float64Array(2 * firsts.length).fill(EMPTY);
    this.#ends = new Float64Array(2 * ends.length);
    this.#shift--;
    for (let i = 0; i < firsts.length; i++) {
      if (firsts[i] === EMPTY) continue;
      const place = this.#placeOf(firsts[i] as number);
      this.#firsts[place] = firsts[i] as number;
      this.#ends[place] = ends[i] as number;
    }
  }
}
