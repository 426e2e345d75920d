// SPDX-License-Identifier: MIT

/** Runs a chunk holds at most: small enough to shift cheaply, large enough that the index over chunks stays short. */
const CAPACITY = 64;
/** How full chunks are left when one is split: room to grow, without wasting half of the memory. */
const FILL = 48;
/** Runs looked at one by one before a search. */
const STEPS = 4;
/** A queue that grew beyond this many runs is given back instead of being kept for the next change. */
const LARGEST_KEPT = 64 * CAPACITY;

/**
 * Sorted runs, each a key (where it starts) and an int32 value, in chunks of bounded length: the storage of an
 * `IntervalMap`, which knows what the runs mean. In one flat array every insertion would move all that follows, and
 * isolated writes would be quadratic; here it moves part of one chunk, and one in about thirty also moves the index.
 *
 * A run is addressed by its slot in `keys` and `values` together with the position of its chunk in the index.
 * Chunk `order[position]` owns the slots from `order[position] * CAPACITY`, and none is ever empty.
 */
export class RunStore {
  keys = new Float64Array(0);
  values = new Int32Array(0);
  /** Number of runs. */
  runCount = 1;
  /** Position of the chunk in which `locate` last found its run; the next search starts here. */
  position = 0;
  /** Slot that `locate` found last; what lies there may have changed since. */
  #located = 0;

  #order = new Int32Array(0);
  /** First key of the chunk at each position, beside the index so that a search touches no chunk. */
  #firsts = new Float64Array(0);
  #chunkCount = 0;
  /** Runs in each chunk, by chunk. */
  #lengths = new Int32Array(0);
  readonly #unused: number[] = [];
  readonly #end: number;

  // New runs wait here behind room for a whole chunk, so that the runs before them can be put in front without a move.
  #newKeys = new Float64Array(2 * CAPACITY);
  #newValues = new Int32Array(2 * CAPACITY);
  #newEnd = CAPACITY;

  constructor(start: number, end: number, value: number) {
    this.#end = end;
    this.#insertChunks(0, 1);
    this.keys[0] = start;
    this.values[0] = value;
    this.#firsts[0] = start;
    this.#lengths[0] = 1;
  }

  /** Slot of the run that holds `address`; leaves its chunk in `position`. */
  locate(address: number): number {
    const position = this.#positionOf(address);
    const chunk = this.#order[position] as number;
    const first = chunk * CAPACITY;
    const length = this.#lengths[chunk] as number;
    const near = position === this.position ? this.#locateNear(address, first, first + length) : -1;
    this.position = position;
    this.#located = near >= 0 ? near : lastUpTo(this.keys, first, length, address);
    return this.#located;
  }

  #positionOf(address: number): number {
    const firsts = this.#firsts;
    const hint = this.position;
    const count = this.#chunkCount;
    const afterHint = hint + 1 === count || address < (firsts[hint + 1] as number);
    return afterHint && (firsts[hint] as number) <= address ? hint : lastUpTo(firsts, 0, count, address);
  }

  /**
   * Looks at the run located last and at a few after it, in the slots [first, end) of their chunk; -1 elsewhere. Ranges are
   * short, and often come in ascending order, so that most ends and many starts are found without a search.
   */
  #locateNear(address: number, first: number, end: number): number {
    const { keys } = this;
    const located = this.#located;
    if (located < first || located >= end || (keys[located] as number) > address) return -1;
    for (let slot = located; slot < located + STEPS; slot++) {
      if (slot + 1 === end || (keys[slot + 1] as number) > address) return slot;
    }
    return -1;
  }

  /** Where the run at `slot` ends. */
  endOf(slot: number, position: number): number {
    if (slot + 1 < this.#slotAfter(position)) return this.keys[slot + 1] as number;
    return position + 1 < this.#chunkCount ? (this.#firsts[position + 1] as number) : this.#end;
  }

  /** Slot of the first run of the chunk at `position`. */
  firstSlot(position: number): number {
    return (this.#order[position] as number) * CAPACITY;
  }

  /** Value of the run before the one at `slot`, or `undefined` for the first run of the map. */
  valueBefore(slot: number, position: number): number | undefined {
    if (slot > this.firstSlot(position)) return this.values[slot - 1];
    return position > 0 ? this.values[this.#slotAfter(position - 1) - 1] : undefined;
  }

  /** Whether the run at `slot` is the last of the chunk at `position`. */
  isLast(slot: number, position: number): boolean {
    return slot + 1 === this.#slotAfter(position);
  }

  #slotAfter(position: number): number {
    const chunk = this.#order[position] as number;
    return chunk * CAPACITY + (this.#lengths[chunk] as number);
  }

  /** Forgets the runs queued by `push`. */
  clear(): void {
    this.#newEnd = CAPACITY;
    if (this.#newKeys.length > LARGEST_KEPT) {
      this.#newKeys = new Float64Array(2 * CAPACITY);
      this.#newValues = new Int32Array(2 * CAPACITY);
    }
  }

  /** Queues a run for `replace`; in ascending order. */
  push(key: number, value: number): void {
    if (this.#newEnd === this.#newKeys.length) this.#growNew(this.#newEnd + 1);
    this.#newKeys[this.#newEnd] = key;
    this.#newValues[this.#newEnd++] = value;
  }

  /**
   * Puts the queued runs in place of those from slot `from` in the chunk at position `first` up to, not including,
   * slot `to` in the chunk at position `last`. The first run of the map can be replaced, never removed.
   */
  replace(from: number, first: number, to: number, last: number): void {
    const chunk = this.#order[first] as number;
    const lastChunk = this.#order[last] as number;
    const before = from - chunk * CAPACITY;
    const added = this.#newEnd - CAPACITY;
    const after = this.#slotAfter(last) - to;
    const length = first === last ? before + added + after : before + added;
    if (length > CAPACITY) {
      this.#spread(from, first, to, last);
      return;
    }
    const removed = this.#count(first, last) - before - after;
    this.runCount += added - removed;
    // What is left of another chunk stays in it.
    this.#move(to, first === last ? from + added : lastChunk * CAPACITY, after);
    for (let i = 0; i < added; i++) {
      this.keys[from + i] = this.#newKeys[CAPACITY + i] as number;
      this.values[from + i] = this.#newValues[CAPACITY + i] as number;
    }
    this.#lengths[lastChunk] = after;
    this.#lengths[chunk] = length;
    this.#firsts[last] = this.keys[lastChunk * CAPACITY] as number;
    this.#firsts[first] = this.keys[chunk * CAPACITY] as number;
    if (last > first || (added < removed && length <= CAPACITY / 2)) {
      const emptied = length === 0 ? first : first + 1;
      this.#tidy(emptied, first === last || after === 0 ? last + 1 : last);
    }
  }

  /** Number of runs in the chunks at positions `first` to `last`. */
  #count(first: number, last: number): number {
    let count = 0;
    for (let position = first; position <= last; position++) {
      count += this.#lengths[this.#order[position] as number] as number;
    }
    return count;
  }

  /** Copies runs within `keys` and `values`; for so few of them a loop beats `copyWithin`. */
  #move(from: number, to: number, count: number): void {
    const { keys, values } = this;
    if (to < from) {
      for (let i = 0; i < count; i++) {
        keys[to + i] = keys[from + i] as number;
        values[to + i] = values[from + i] as number;
      }
    } else if (to > from) {
      for (let i = count - 1; i >= 0; i--) {
        keys[to + i] = keys[from + i] as number;
        values[to + i] = values[from + i] as number;
      }
    }
  }

  /** `replace` for a result that does not fit: all runs concerned are dealt out evenly. */
  #spread(from: number, first: number, to: number, last: number): void {
    const slot = this.firstSlot(first);
    const after = this.#slotAfter(last) - to;
    const start = CAPACITY - (from - slot);
    if (this.#newEnd + after > this.#newKeys.length) this.#growNew(this.#newEnd + after);
    this.#newKeys.set(this.keys.subarray(slot, from), start);
    this.#newValues.set(this.values.subarray(slot, from), start);
    this.#newKeys.set(this.keys.subarray(to, to + after), this.#newEnd);
    this.#newValues.set(this.values.subarray(to, to + after), this.#newEnd);

    const length = this.#newEnd + after - start;
    const chunks = Math.ceil(length / FILL);
    this.runCount += length - this.#count(first, last);
    if (chunks <= last - first) this.#removeChunks(first + chunks, last + 1);
    else this.#insertChunks(last + 1, chunks - (last - first + 1));
    for (let i = 0; i < chunks; i++) {
      const low = start + Math.floor((length * i) / chunks);
      const high = start + Math.floor((length * (i + 1)) / chunks);
      const chunk = this.#order[first + i] as number;
      this.keys.set(this.#newKeys.subarray(low, high), chunk * CAPACITY);
      this.values.set(this.#newValues.subarray(low, high), chunk * CAPACITY);
      this.#lengths[chunk] = high - low;
      this.#firsts[first + i] = this.#newKeys[low] as number;
    }
  }

  /**
   * Removes the chunks at the positions [from, to), which are empty, and joins the one before them with its neighbours as
   * long as the result is at most half full.
   */
  #tidy(from: number, to: number): void {
    if (from < to) this.#removeChunks(from, to);
    const position = Math.max(from - 1, 0);
    if (position + 1 < this.#chunkCount) this.#mergeNext(position);
    if (position > 0) this.#mergeNext(position - 1);
  }

  #mergeNext(position: number): void {
    const chunk = this.#order[position] as number;
    const next = this.#order[position + 1] as number;
    const length = this.#lengths[chunk] as number;
    const moved = this.#lengths[next] as number;
    if (length + moved > CAPACITY / 2) return;
    this.#move(next * CAPACITY, chunk * CAPACITY + length, moved);
    this.#lengths[chunk] = length + moved;
    this.#removeChunks(position + 1, position + 2);
  }

  #removeChunks(from: number, to: number): void {
    for (let position = from; position < to; position++) this.#unused.push(this.#order[position] as number);
    this.#order.copyWithin(from, to, this.#chunkCount);
    this.#firsts.copyWithin(from, to, this.#chunkCount);
    this.#chunkCount -= to - from;
    if (this.position >= this.#chunkCount) this.position = this.#chunkCount - 1;
  }

  #insertChunks(at: number, count: number): void {
    const chunkCount = this.#chunkCount + count;
    if (chunkCount > this.#order.length) {
      const room = 2 * chunkCount;
      this.#order = grown(this.#order, new Int32Array(room));
      this.#firsts = grown(this.#firsts, new Float64Array(room));
    }
    if (chunkCount > this.#lengths.length) {
      const known = this.#lengths.length;
      const room = Math.max(chunkCount, 2 * known);
      this.#lengths = grown(this.#lengths, new Int32Array(room));
      this.keys = grown(this.keys, new Float64Array(room * CAPACITY));
      this.values = grown(this.values, new Int32Array(room * CAPACITY));
      for (let chunk = room - 1; chunk >= known; chunk--) this.#unused.push(chunk);
    }
    this.#order.copyWithin(at + count, at, this.#chunkCount);
    this.#firsts.copyWithin(at + count, at, this.#chunkCount);
    for (let i = 0; i < count; i++) this.#order[at + i] = this.#unused.pop() as number;
    this.#chunkCount = chunkCount;
  }

  #growNew(length: number): void {
    const room = Math.max(length, 2 * this.#newKeys.length);
    this.#newKeys = grown(this.#newKeys, new Float64Array(room));
    this.#newValues = grown(this.#newValues, new Int32Array(room));
  }
}

/**
 * Index of the last of `count` ascending keys from `low` on that is at most `key`; `low` if none is. The comparison is used
 * as a number, because the branch that it would otherwise be is mispredicted half of the time: a third faster.
 */
function lastUpTo(keys: Float64Array, low: number, count: number, key: number): number {
  let found = low;
  let left = count;
  while (left > 3) {
    const step = left >>> 2;
    const first = step & -Number((keys[found + step] as number) <= key);
    const second = step & -Number((keys[found + 2 * step] as number) <= key);
    const third = step & -Number((keys[found + 3 * step] as number) <= key);
    found += first + second + third;
    left -= 3 * step;
  }
  for (; left > 1; left--) found += Number((keys[found + 1] as number) <= key);
  return found;
}

function grown<A extends Float64Array | Int32Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
