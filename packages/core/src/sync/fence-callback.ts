// SPDX-License-Identifier: MIT
import type { FenceTable } from "./fence-table.ts";

/** A fence in its pool: an index. Where it is taken from a `DmaFence` the fence must be referenced as long. */
export type FenceId = number & { readonly [fenceId]: true };
declare const fenceId: unique symbol;

/** A queued callback; never the same number again within 2^53 additions, so a late removal finds nothing. */
export type CallbackId = number & { readonly [callbackId]: true };
declare const callbackId: unique symbol;

/**
 * What runs when a fence signals, with the number given at the addition. It runs in atomic context (F-12): a plain
 * function that must not wait, take a reservation lock, or remove callbacks of the same fence.
 */
export type FenceCallback = (fence: FenceId, data: number) => void;

const SLOTS = 2 ** 24;

/**
 * The functions that are queued, with how often: many callbacks are one function with different numbers, and a flat array
 * of indices costs the garbage collector nothing. One that comes back in between may be there twice.
 */
class FunctionTable {
  readonly #functions: (FenceCallback | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  #last: FenceCallback | undefined;
  #lastIndex = -1;

  take(callback: FenceCallback): number {
    if (callback === this.#last) {
      this.#uses[this.#lastIndex] = (this.#uses[this.#lastIndex] as number) + 1;
      return this.#lastIndex;
    }
    const index = this.#free.pop() ?? this.#functions.length;
    this.#functions[index] = callback;
    this.#uses[index] = 1;
    this.#last = callback;
    this.#lastIndex = index;
    return index;
  }

  at(index: number): FenceCallback {
    return this.#functions[index] as FenceCallback;
  }

  release(index: number): void {
    const uses = (this.#uses[index] as number) - 1;
    this.#uses[index] = uses;
    if (uses > 0) return;
    this.#functions[index] = undefined;
    this.#free.push(index);
    if (index === this.#lastIndex) this.#last = undefined;
  }
}

/**
 * The callbacks of all fences of a pool, in circular lists over flat arrays: a list is known by its first slot, or -1.
 * 28 bytes a callback.
 */
export class FenceCallbacks {
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  #fences = new Int32Array(64);
  /** Which use of the slot this is: it tells a callback that is gone from the one that is in its place. */
  #generations = new Int32Array(64);
  #data = new Float64Array(64);
  /** Index of the function. */
  #functionOf = new Int32Array(64);
  readonly #functions = new FunctionTable();
  #used = 0;
  #free = -1;

  /** Appends to the list that begins at `first` (or -1) and returns the new callback's slot. */
  append(first: number, fence: FenceId, callback: FenceCallback, data: number): number {
    const slot = this.#take();
    if (first < 0) {
      this.#next[slot] = slot;
      this.#previous[slot] = slot;
    } else {
      const last = this.#previous[first] as number;
      this.#next[last] = slot;
      this.#previous[slot] = last;
      this.#next[slot] = first;
      this.#previous[first] = slot;
    }
    this.#fences[slot] = fence;
    this.#functionOf[slot] = this.#functions.take(callback);
    this.#data[slot] = data;
    return slot;
  }

  /** The name under which the caller may remove the callback. */
  idOf(slot: number): CallbackId {
    return ((this.#generations[slot] as number) * SLOTS + slot) as CallbackId;
  }

  /** The slot of a callback that is still queued on `fence`, or -1. */
  find(id: CallbackId, fence: FenceId): number {
    const slot = id & (SLOTS - 1);
    if (slot >= this.#used || this.#fences[slot] !== fence) return -1;
    return this.#generations[slot] === Math.floor(id / SLOTS) ? slot : -1;
  }

  /** Takes a callback out of the list that begins at `first`; returns where the list begins now, or -1. */
  remove(slot: number, first: number): number {
    const next = this.#next[slot] as number;
    this.#functions.release(this.#functionOf[slot] as number);
    this.#release(slot);
    if (next === slot) return -1;
    const previous = this.#previous[slot] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    return slot === first ? next : first;
  }

  /** Whether a list has one callback only. */
  isAlone(slot: number): boolean {
    return this.#next[slot] === slot;
  }

  /** Runs a fence's only callback. It may be the end of the fence, so nothing of that is touched afterwards. */
  runAlone(table: FenceTable, fence: FenceId, slot: number): void {
    const index = this.#functionOf[slot] as number;
    const callback = this.#functions.at(index);
    const data = this.#data[slot] as number;
    this.#functions.release(index);
    this.#release(slot);
    table.setFirst(fence, -1);
    callback(fence, data);
  }

  /** Runs the callbacks of a fence in their order, each taken out before it runs, until there are none. */
  run(table: FenceTable, fence: FenceId): void {
    for (let slot = table.first(fence); slot >= 0; slot = table.first(fence)) {
      const callback = this.#functions.at(this.#functionOf[slot] as number);
      const data = this.#data[slot] as number;
      table.setFirst(fence, this.remove(slot, slot));
      callback(fence, data);
    }
  }

  #release(slot: number): void {
    this.#generations[slot] = (this.#generations[slot] as number) + 1;
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  #take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.#next[free] as number;
      return free;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = 2 * this.#next.length;
    if (capacity > SLOTS) throw new TypeError(`more than ${SLOTS / 2} fence callbacks at once`);
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(capacity);
      array.set(old);
      return array;
    };
    const data = new Float64Array(capacity);
    data.set(this.#data);
    this.#data = data;
    this.#next = grown(this.#next);
    this.#previous = grown(this.#previous);
    this.#fences = grown(this.#fences);
    this.#generations = grown(this.#generations);
    this.#functionOf = grown(this.#functionOf);
  }
}
