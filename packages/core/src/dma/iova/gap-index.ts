// SPDX-License-Identifier: MIT
import { CAPACITY, GapChunks, ORDERS } from "./gap-chunks.ts";

/**
 * The free parts of a space of page frames, so kept that the highest place for an aligned block is found without looking
 * at every gap: a search skips chunks of up to 128 gaps that cannot hold it. It looks into a chunk in vain once, and again
 * only after frames next to a gap of that chunk have become free. With n gaps an operation costs about n / 100 steps over
 * numbers in a row, and 100 for one chunk.
 */
export class GapIndex {
  readonly #chunks = new GapChunks();
  /** The gap that was found last. */
  #position = 0;
  #slot = 0;

  /** All of [0, end) is free. */
  constructor(end: number) {
    this.#chunks.insert(0, -1, 0, end);
    this.#chunks.grow(0, 0, end);
  }

  /**
   * The highest first frame of `size` free frames within [low, bound) that is a multiple of 2^order, or -1. What
   * it finds may be taken with `takeFound`.
   */
  highest(low: number, bound: number, size: number, order: number): number {
    const chunks = this.#chunks;
    const { rooms } = chunks;
    const level = Math.min(order, ORDERS - 1) * chunks.stride;
    this.#find(low);
    const lowest = level + this.#position;
    for (let at = level + chunks.locate(bound - 1); at >= lowest; at--) {
      if ((rooms[at] as number) < size) continue;
      const first = this.#highestIn(at - level, bound, size, order);
      if (first >= 0) return first >= low ? first : -1;
    }
    return -1;
  }

  /** Takes `size` frames from `first` on, as `highest` just found them. */
  takeFound(first: number, size: number): void {
    const chunks = this.#chunks;
    const position = this.#position;
    const slot = this.#slot;
    const at = (chunks.ids[position] as number) * CAPACITY + slot;
    const end = first + size;
    const gapEnd = chunks.ends[at] as number;
    if (chunks.starts[at] === first) {
      if (end === gapEnd) chunks.remove(position, slot);
      else chunks.starts[at] = end;
      return;
    }
    chunks.ends[at] = first;
    if (end < gapEnd) chunks.insert(position, slot, end, gapEnd);
  }

  /** Takes [start, end), which is within one gap. */
  take(start: number, end: number): void {
    this.#find(start);
    this.takeFound(start, end - start);
  }

  /** Makes [start, end) free, of which nothing was; returns the end of the gap that it is part of then. */
  give(start: number, end: number): number {
    const chunks = this.#chunks;
    const { starts, ends, ids, counts } = chunks;
    const position = chunks.locate(start);
    const slot = chunks.slotOf(position, start);
    const before = this.#storageOf(position, slot);
    let nextPosition = position;
    let nextSlot = slot + 1;
    if (nextSlot === counts[ids[position] as number] && position + 1 < chunks.length) {
      nextPosition++;
      nextSlot = 0;
    }
    const nextId = ids[nextPosition] as number;
    const next = nextId * CAPACITY + nextSlot;
    const joinsNext = nextSlot < (counts[nextId] as number) && starts[next] === end;
    const gapEnd = joinsNext ? (ends[next] as number) : end;
    if (before >= 0 && ends[before] === start) {
      const holder = slot < 0 ? position - 1 : position;
      ends[before] = gapEnd;
      chunks.reach(holder, gapEnd);
      chunks.grow(holder, starts[before] as number, gapEnd);
      if (joinsNext) chunks.remove(nextPosition, nextSlot);
    } else if (joinsNext) {
      starts[next] = start;
      if (start < (chunks.firsts[nextPosition] as number)) chunks.firsts[nextPosition] = start;
      chunks.grow(nextPosition, start, gapEnd);
    } else {
      chunks.reach(position, end);
      chunks.grow(position, start, end);
      chunks.insert(position, slot, start, end);
    }
    return gapEnd;
  }

  /** End of the last gap that starts at `frame` or before, or -1. */
  endAt(frame: number): number {
    const at = this.#find(frame);
    return at < 0 ? -1 : (this.#chunks.ends[at] as number);
  }

  /** Where the last gap that starts at `frame` or before is stored, or -1; that is where a take then takes from. */
  #find(frame: number): number {
    this.#position = this.#chunks.locate(frame);
    this.#slot = this.#chunks.slotOf(this.#position, frame);
    const at = this.#storageOf(this.#position, this.#slot);
    if (this.#slot < 0 && at >= 0) {
      this.#position--;
      this.#slot = at % CAPACITY;
    }
    return at;
  }

  /** Where a gap is stored; slot -1 is the last gap of the chunk before. */
  #storageOf(position: number, slot: number): number {
    const { ids, counts } = this.#chunks;
    if (slot >= 0) return (ids[position] as number) * CAPACITY + slot;
    if (position === 0) return -1;
    const id = ids[position - 1] as number;
    return id * CAPACITY + (counts[id] as number) - 1;
  }

  /** The highest place in one chunk, or -1; then the chunk's room is known, unless the bound cut some of it off. */
  #highestIn(position: number, bound: number, size: number, order: number): number {
    const chunks = this.#chunks;
    const { starts, ends } = chunks;
    const id = chunks.ids[position] as number;
    const base = id * CAPACITY;
    const last = base + (chunks.counts[id] as number) - 1;
    const alignment = 2 ** order;
    const inverse = 1 / alignment;
    let largest = 0;
    for (let at = last; at >= base; at--) {
      const end = Math.min(ends[at] as number, bound);
      const room = end - Math.ceil((starts[at] as number) * inverse) * alignment;
      if (room >= size) {
        this.#position = position;
        this.#slot = at - base;
        return Math.floor((end - size) * inverse) * alignment;
      }
      if (room > largest) largest = room;
    }
    if (order < ORDERS && (last < base || (ends[last] as number) <= bound))
      chunks.rooms[order * chunks.stride + position] = largest;
    return -1;
  }
}
