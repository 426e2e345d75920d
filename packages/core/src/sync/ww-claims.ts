// SPDX-License-Identifier: MIT

/** No lock, no claim. */
export const NONE = -1;

/**
 * Who claims locks of a class: acquire contexts, and tasks without one for as long as they wait. A structure of arrays
 * of 41 bytes a claim, indexed by the claim; the arrays are replaced when the table grows, so nobody may keep one across a
 * `take`.
 */
export class WwClaims {
  /** Age of a context, lower is older; 0 for a task without one. */
  stamps = new Float64Array(16);
  /** The task, as the number that the user of the machine gave. */
  parties = new Int32Array(16);
  /** Number of locks held. */
  acquired = new Int32Array(16);
  /** 1: somebody older waits for one of its locks. */
  wounded = new Uint8Array(16);
  /** The lock that it had to back off from and has not taken since, or NONE. */
  contended = new Int32Array(16);
  /** The lock that it waits for, or NONE. */
  waitsFor = new Int32Array(16);
  /** How its last wait ended, or that it waits. */
  outcomes = new Uint8Array(16);
  /** Neighbours in the circular list of the lock's waiters; `next` of a free claim is the next free one. */
  next = new Int32Array(16);
  previous = new Int32Array(16);
  #used = 0;
  #free = NONE;
  #live = 0;

  /** Number of claims in use. */
  get live(): number {
    return this.#live;
  }

  /** A claim that holds nothing and waits for nothing. */
  take(stamp: number, party: number): number {
    this.#live++;
    let claim = this.#free;
    if (claim === NONE) {
      if (this.#used === this.parties.length) this.#grow();
      claim = this.#used++;
    } else this.#free = this.next[claim] as number;
    this.stamps[claim] = stamp;
    this.parties[claim] = party;
    this.acquired[claim] = 0;
    this.wounded[claim] = 0;
    this.contended[claim] = NONE;
    this.waitsFor[claim] = NONE;
    this.outcomes[claim] = 0;
    return claim;
  }

  /** Gives a claim back; it must not wait. */
  release(claim: number): void {
    this.#live--;
    this.next[claim] = this.#free;
    this.#free = claim;
  }

  /**
   * Puts a claim into the list that begins at `head` (or NONE), in front of `before` or, for NONE, behind all; returns
   * where the list begins now.
   */
  insert(claim: number, head: number, before: number): number {
    if (head === NONE) {
      this.next[claim] = claim;
      this.previous[claim] = claim;
      return claim;
    }
    const next = before === NONE ? head : before;
    const previous = this.previous[next] as number;
    this.next[previous] = claim;
    this.previous[claim] = previous;
    this.next[claim] = next;
    this.previous[next] = claim;
    return before === head ? claim : head;
  }

  /** Takes a claim out of the list that begins at `head`; returns where the list begins now, or NONE. */
  remove(claim: number, head: number): number {
    const next = this.next[claim] as number;
    if (next === claim) return NONE;
    const previous = this.previous[claim] as number;
    this.next[previous] = next;
    this.previous[next] = previous;
    return claim === head ? next : head;
  }

  #grow(): void {
    const capacity = 2 * this.#used;
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(capacity);
      array.set(old);
      return array;
    };
    const stamps = new Float64Array(capacity);
    const wounded = new Uint8Array(capacity);
    const outcomes = new Uint8Array(capacity);
    stamps.set(this.stamps);
    wounded.set(this.wounded);
    outcomes.set(this.outcomes);
    this.stamps = stamps;
    this.wounded = wounded;
    this.outcomes = outcomes;
    this.parties = grown(this.parties);
    this.acquired = grown(this.acquired);
    this.contended = grown(this.contended);
    this.waitsFor = grown(this.waitsFor);
    this.next = grown(this.next);
    this.previous = grown(this.previous);
  }
}
