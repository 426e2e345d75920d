// SPDX-License-Identifier: MIT

/** Gaps in a chunk at most; a full chunk is halved. */
export const CAPACITY = 128;

/** Alignments of 2^0 to 2^(ORDERS - 1) frames whose room is kept apart. */
export const ORDERS = 20;

/**
 * The storage of a `GapIndex`: disjoint gaps in ascending order, in chunks of at most 128, so that one comes or goes at
 * the cost of one chunk. A chunk has an id, by which its contents are stored, and a position among the chunks.
 */
export class GapChunks {
  /** First frame of gap `slot` of chunk `id` at `id * CAPACITY + slot`. */
  starts = new Float64Array(CAPACITY);
  /** First frame past that gap. */
  ends = new Float64Array(CAPACITY);
  /** Number of gaps of a chunk, by id. */
  counts = new Int32Array(1);
  /** Ids of the chunks, by position. */
  ids = new Int32Array(1);
  /** No gap of an earlier chunk ends past this frame, none of this or a later one starts before it; by position. */
  firsts = new Float64Array(1);
  /**
   * No gap of the chunk at `position` has room for more than `rooms[order * stride + position]` frames that start at a
   * multiple of 2^order. An upper bound: it grows with the gaps at once, and shrinks when a search has found it too high.
   */
  rooms = new Float64Array(ORDERS);
  /** Chunks that there is storage for. */
  stride = 1;
  /** Number of chunks, at least 1. */
  length = 1;
  #used = 1;
  readonly #spare: number[] = [];

  /** Position of the chunk that holds the last gap that starts at `frame` or before, if there is one. */
  locate(frame: number): number {
    const { firsts } = this;
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((firsts[middle] as number) <= frame) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Slot of the last gap of a chunk that starts at `frame` or before, or -1. */
  slotOf(position: number, frame: number): number {
    const id = this.ids[position] as number;
    const base = id * CAPACITY;
    const { starts } = this;
    let low = -1;
    let high = (this.counts[id] as number) - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[base + middle] as number) <= frame) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Puts a gap behind `slot` of the chunk at `position`. */
  insert(position: number, slot: number, start: number, end: number): void {
    let at = position;
    let index = slot + 1;
    if (this.counts[this.ids[at] as number] === CAPACITY) {
      this.#halve(at);
      if (index > CAPACITY / 2) {
        at++;
        index -= CAPACITY / 2;
      }
    }
    const id = this.ids[at] as number;
    const base = id * CAPACITY;
    const count = this.counts[id] as number;
    this.starts.copyWithin(base + index + 1, base + index, base + count);
    this.ends.copyWithin(base + index + 1, base + index, base + count);
    this.starts[base + index] = start;
    this.ends[base + index] = end;
    this.counts[id] = count + 1;
  }

  /** Takes a gap out. No chunk stays empty unless it is the only one. */
  remove(position: number, slot: number): void {
    const id = this.ids[position] as number;
    const base = id * CAPACITY;
    const count = (this.counts[id] as number) - 1;
    this.starts.copyWithin(base + slot, base + slot + 1, base + count + 1);
    this.ends.copyWithin(base + slot, base + slot + 1, base + count + 1);
    this.counts[id] = count;
    if (count >= CAPACITY / 4 || this.length === 1) return;
    const left = position === 0 ? 0 : position - 1;
    const together =
      (this.counts[this.ids[left] as number] as number) +
      (this.counts[this.ids[left + 1] as number] as number);
    if (count === 0 || together <= CAPACITY / 2) this.#join(left);
  }

  /** Tells that a gap of the chunk at `position` ends at `end` now: the range of the next chunk begins there or later. */
  reach(position: number, end: number): void {
    const { firsts } = this;
    if (position + 1 < this.length && (firsts[position + 1] as number) < end) firsts[position + 1] = end;
  }

  /** Tells that a gap of the chunk at `position` has become [start, end). */
  grow(position: number, start: number, end: number): void {
    const { rooms, stride } = this;
    let alignment = 1;
    for (let at = position; at < rooms.length; at += stride) {
      const room = end - Math.ceil(start / alignment) * alignment;
      if (room <= 0) return;
      if (room > (rooms[at] as number)) rooms[at] = room;
      alignment *= 2;
    }
  }

  #halve(position: number): void {
    const id = this.ids[position] as number;
    const upper = this.#newChunk();
    const half = CAPACITY / 2;
    const from = id * CAPACITY + half;
    this.starts.copyWithin(upper * CAPACITY, from, from + half);
    this.ends.copyWithin(upper * CAPACITY, from, from + half);
    this.counts[id] = half;
    this.counts[upper] = half;
    const { rooms, stride } = this;
    // The upper half has no more room than the whole had.
    for (let at = 0; at < rooms.length; at += stride)
      rooms.copyWithin(at + position + 1, at + position, at + this.length);
    this.ids.copyWithin(position + 2, position + 1, this.length);
    this.firsts.copyWithin(position + 2, position + 1, this.length);
    this.ids[position + 1] = upper;
    this.firsts[position + 1] = this.starts[upper * CAPACITY] as number;
    this.length++;
  }

  /** Moves the gaps of the chunk behind `position` into this one. */
  #join(position: number): void {
    const id = this.ids[position] as number;
    const other = this.ids[position + 1] as number;
    const count = this.counts[id] as number;
    const moved = this.counts[other] as number;
    const from = other * CAPACITY;
    this.starts.copyWithin(id * CAPACITY + count, from, from + moved);
    this.ends.copyWithin(id * CAPACITY + count, from, from + moved);
    this.counts[id] = count + moved;
    const { rooms, stride } = this;
    for (let at = position; at < rooms.length; at += stride) {
      rooms[at] = Math.max(rooms[at] as number, rooms[at + 1] as number);
      rooms.copyWithin(at + 1, at + 2, at - position + this.length);
    }
    this.ids.copyWithin(position + 1, position + 2, this.length);
    this.firsts.copyWithin(position + 1, position + 2, this.length);
    this.length--;
    this.#spare.push(other);
  }

  #newChunk(): number {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    if (this.#used === this.stride) this.#doubleStorage();
    return this.#used++;
  }

  #doubleStorage(): void {
    const { rooms, stride } = this;
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
    this.firsts = doubled(this.firsts);
    const counts = new Int32Array(2 * stride);
    counts.set(this.counts);
    this.counts = counts;
    const ids = new Int32Array(2 * stride);
    ids.set(this.ids);
    this.ids = ids;
    this.stride = 2 * stride;
    this.rooms = new Float64Array(ORDERS * this.stride);
    for (let order = 0; order < ORDERS; order++)
      this.rooms.set(rooms.subarray(order * stride, (order + 1) * stride), order * this.stride);
  }
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const more = new Float64Array(2 * values.length);
  more.set(values);
  return more;
}
