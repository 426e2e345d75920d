// SPDX-License-Identifier: MIT
import { RunStore } from "./run-store.ts";

/**
 * A map from every number of a half-open range to an int32 value, kept as runs: neighbours with equal values are always
 * one run, so the cost of an operation follows the number of runs that it touches, never the length of the range.
 * All state about ranges of addresses is kept in such maps, one for an address space rather than one for a buffer.
 *
 * Keys are numbers up to 2^53, in practice addresses or page frame numbers. Every method throws `TypeError` for a range
 * that is reversed or not within [start, end), and leaves the map as it was whenever it throws. An empty range touches
 * nothing. The map may be read while a callback of `update` or `forEach` runs, not changed: that is a `TypeError` too.
 */
export class IntervalMap {
  /** First number of the space. */
  readonly start: number;
  /** First number past the space. */
  readonly end: number;
  readonly #runs: RunStore;
  #visiting = false;
  /** The one range of `update`. */
  readonly #range = new Float64Array(2);

  /** Gives every number of [start, end) the value `initial`; throws `TypeError` for an empty space. */
  constructor(start: number, end: number, initial: number) {
    if (!(start >= -(2 ** 53) && start < end && end <= 2 ** 53)) {
      throw new TypeError(`not a range of numbers up to 2^53: [${start}, ${end})`);
    }
    this.start = start;
    this.end = end;
    this.#runs = new RunStore(start, end, int32(initial));
  }

  /** Number of runs: of longest ranges with one value. */
  get runCount(): number {
    return this.#runs.runCount;
  }

  /** The value at `address`. */
  at(address: number): number {
    this.#checkAddress(address);
    const runs = this.#runs;
    return runs.values[runs.locate(address)] as number;
  }

  /** Where the run that holds `address` ends: the next number with another value, or the end of the space. */
  runEnd(address: number): number {
    this.#checkAddress(address);
    const runs = this.#runs;
    return runs.endOf(runs.locate(address), runs.position);
  }

  /** Gives every number of [start, end) one value. Throws `TypeError` for a value that is not an int32. */
  set(start: number, end: number, value: number): void {
    this.#checkRange(start, end);
    this.#checkUnvisited();
    int32(value);
    if (start === end) return;
    const runs = this.#runs;
    const slot = runs.locate(start);
    const position = runs.position;
    if (runs.values[slot] === value && end <= runs.endOf(slot, position)) return;
    runs.clear();
    if (this.#valueBefore(start, slot, position) !== value) runs.push(start, value);
    this.#replace(start, end, slot, position, value);
  }

  /**
   * Replaces the values of [start, end) by what `transition` makes of them. It is called once for each run, ascending,
   * with the run's value and the part of the run that lies in the range. Nothing is stored before the last call has
   * returned, so a transition that throws, or returns anything but an int32 (`TypeError`), changes nothing.
   */
  update(
    start: number,
    end: number,
    transition: (value: number, start: number, end: number) => number,
  ): void {
    this.#checkUnvisited();
    this.#range[0] = start;
    this.#range[1] = end;
    this.updateEach(this.#range, transition);
  }

  /**
   * The same as an `update` of each range in turn, for flat pairs of start and end in any order. Ascending ranges with one
   * run between two of them, as the pages of a buffer are, are stored together, which costs much less; a transition that
   * throws leaves what was stored before.
   */
  updateEach(pairs: Float64Array, transition: (value: number, start: number, end: number) => number): void {
    for (let i = 0; i < pairs.length; i += 2) this.#checkRange(pairs[i] as number, pairs[i + 1] as number);
    this.#checkUnvisited();
    this.#visiting = true;
    try {
      for (let i = 0; i < pairs.length; ) i = this.#updateGroup(pairs, i, transition);
    } finally {
      this.#visiting = false;
    }
  }

  /** Calls `visit` once for each run, ascending, with its value and the part of it that lies in [start, end). */
  forEach(start: number, end: number, visit: (value: number, start: number, end: number) => void): void {
    this.#checkRange(start, end);
    if (start === end) return;
    const runs = this.#runs;
    let slot = runs.locate(start);
    let position = runs.position;
    const outer = this.#visiting;
    this.#visiting = true;
    try {
      for (let from = start; ; ) {
        const to = Math.min(runs.endOf(slot, position), end);
        visit(runs.values[slot] as number, from, to);
        if (to === end) return;
        from = to;
        if (runs.isLast(slot, position)) slot = runs.firstSlot(++position);
        else slot++;
      }
    } finally {
      this.#visiting = outer;
    }
  }

  /**
   * Updates the range at `index` and those that follow as long as not more than one run lies between two of them, and
   * stores them as one. Returns the index of the next range.
   */
  #updateGroup(
    pairs: Float64Array,
    index: number,
    transition: (value: number, start: number, end: number) => number,
  ): number {
    const runs = this.#runs;
    const start = pairs[index] as number;
    let stop = pairs[index + 1] as number;
    let next = index + 2;
    if (start === stop) return next;
    const firstSlot = runs.locate(start);
    const firstPosition = runs.position;
    let slot = firstSlot;
    let position = firstPosition;
    let last = this.#valueBefore(start, slot, position);
    let changed = false;
    let from = start;
    runs.clear();
    for (let inRange = true; ; ) {
      const value = runs.values[slot] as number;
      const runEnd = runs.endOf(slot, position);
      const to = Math.min(runEnd, stop);
      const result = inRange ? int32(transition(value, from, to)) : value;
      if (result !== value) changed = true;
      if (result !== last) runs.push(from, result);
      last = result;
      from = to;
      if (to === stop) {
        if (inRange) {
          // On to the next range, over what lies between.
          if (next === pairs.length) break;
          stop = pairs[next] as number;
          if (stop < to || stop === pairs[next + 1]) break;
        }
        inRange = !inRange || stop === to;
        if (inRange) {
          stop = pairs[next + 1] as number;
          next += 2;
        }
      } else if (!inRange) break;
      if (to < runEnd) continue;
      if (runs.isLast(slot, position)) slot = runs.firstSlot(++position);
      else slot++;
    }
    if (changed) this.#replace(start, from, firstSlot, firstPosition, last);
    return next;
  }

  /** The value just before `start`, where the run at `slot` holds `start`; `undefined` at the start of the space. */
  #valueBefore(start: number, slot: number, position: number): number | undefined {
    const runs = this.#runs;
    return (runs.keys[slot] as number) < start ? runs.values[slot] : runs.valueBefore(slot, position);
  }

  /**
   * Puts the pushed runs, the last with `lastValue`, in place of [start, end). The run that holds `end` keeps what lies
   * from there on: as it is, cut, or joined to the last pushed run when their values are equal.
   */
  #replace(start: number, end: number, slot: number, position: number, lastValue: number): void {
    const runs = this.#runs;
    let to = runs.locate(end);
    const following = runs.values[to] as number;
    const cut = (runs.keys[to] as number) < end;
    if (end < this.end && cut && following !== lastValue) runs.push(end, following);
    if (cut || following === lastValue) to++;
    runs.replace((runs.keys[slot] as number) < start ? slot + 1 : slot, position, to, runs.position);
  }

  #checkAddress(address: number): void {
    if (address >= this.start && address < this.end) return;
    throw new TypeError(`${address} is not within [${this.start}, ${this.end})`);
  }

  #checkRange(start: number, end: number): void {
    if (start >= this.start && start <= end && end <= this.end) return;
    throw new TypeError(`[${start}, ${end}) is not a range within [${this.start}, ${this.end})`);
  }

  #checkUnvisited(): void {
    if (this.#visiting) throw new TypeError("an interval map cannot be changed while it is being visited");
  }
}

function int32(value: number): number {
  if ((value | 0) !== value) throw new TypeError(`not an int32: ${value}`);
  return value;
}
