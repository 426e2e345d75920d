// SPDX-License-Identifier: MIT
import type { FenceId } from "./fence-callback.ts";

/**
 * The fields of all fences of a pool as a structure of arrays, 36 bytes a fence, indexed by `FenceId`. The arrays are
 * replaced when the table grows, so nobody may keep one across a `take`.
 */
export class FenceTable {
  flags = new Uint8Array(64);
  /** Index of the error among the pool's errors; 0 is none. */
  errors = new Uint8Array(64);
  /** Which use of the slot this is. */
  generations = new Uint16Array(64);
  /** Index of the operations among the pool's. */
  ops = new Int32Array(64);
  contexts = new Uint32Array(64);
  seqnos = new Float64Array(64);
  timestamps = new Float64Array(64);
  /** First callback, or -1; in a free slot the next free one. */
  first = new Int32Array(64);
  references = new Int32Array(64);
  #used = 0;
  #free = -1;
  #live = 0;

  /** Number of slots in use. */
  get live(): number {
    return this.#live;
  }

  /** A slot for a new fence; what is in it is left from the one before. */
  take(): FenceId {
    this.#live++;
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.first[free] as number;
      return free as FenceId;
    }
    if (this.#used === this.flags.length) this.#grow();
    return this.#used++ as FenceId;
  }

  /** Gives a slot back; handles on the fence that was in it are stale from now on. */
  release(fence: FenceId): void {
    this.#live--;
    this.generations[fence] = (this.generations[fence] as number) + 1;
    this.first[fence] = this.#free;
    this.#free = fence;
  }

  #grow(): void {
    const capacity = 2 * this.#used;
    const flags = new Uint8Array(capacity);
    const errors = new Uint8Array(capacity);
    const generations = new Uint16Array(capacity);
    const ops = new Int32Array(capacity);
    const contexts = new Uint32Array(capacity);
    const seqnos = new Float64Array(capacity);
    const timestamps = new Float64Array(capacity);
    const first = new Int32Array(capacity);
    const references = new Int32Array(capacity);
    flags.set(this.flags);
    errors.set(this.errors);
    generations.set(this.generations);
    ops.set(this.ops);
    contexts.set(this.contexts);
    seqnos.set(this.seqnos);
    timestamps.set(this.timestamps);
    first.set(this.first);
    references.set(this.references);
    this.flags = flags;
    this.errors = errors;
    this.generations = generations;
    this.ops = ops;
    this.contexts = contexts;
    this.seqnos = seqnos;
    this.timestamps = timestamps;
    this.first = first;
    this.references = references;
  }
}
