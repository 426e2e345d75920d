// SPDX-License-Identifier: MIT

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
 * The callbacks of all fences of a pool, in circular lists over flat arrays: a list is known by its first slot, or -1.
 * 28 bytes a callback.
 */
export class FenceCallbacks {
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  #fences = new Int32Array(64).fill(-1);
  #generations = new Int32Array(64);
  #data = new Float64Array(64);
  readonly #functions: (FenceCallback | undefined)[] = [];
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
    this.#functions[slot] = callback;
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
    const known = slot < this.#used && this.#fences[slot] === fence;
    return known && this.#generations[slot] === Math.floor(id / SLOTS) ? slot : -1;
  }

  /** Takes a callback out of the list that begins at `first`; returns where the list begins now, or -1. */
  remove(slot: number, first: number): number {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#fences[slot] = -1;
    this.#functions[slot] = undefined;
    this.#generations[slot] = (this.#generations[slot] as number) + 1;
    this.#next[slot] = this.#free;
    this.#free = slot;
    if (next === slot) return -1;
    return slot === first ? next : first;
  }

  /** The function in a slot. */
  functionAt(slot: number): FenceCallback {
    return this.#functions[slot] as FenceCallback;
  }

  /** The number given with the function in a slot. */
  dataAt(slot: number): number {
    return this.#data[slot] as number;
  }

  #take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.#next[free] as number;
      return free;
    }
    if (this.#used === this.#next.length) this.#grow();
    this.#functions.push(undefined);
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
    this.#fences = grown(this.#fences).fill(-1, this.#used);
    this.#generations = grown(this.#generations);
  }
}
