// SPDX-License-Identifier: MIT
import type { FenceId } from "./fence-callback.ts";

// Words of a fence. Of the first one the low byte are the flags, the next is the index of the error among the pool's
// errors (0 is none), and the upper half says which use of the slot this is.
const STATE = 0;
const DRIVER = 1;
const CONTEXT = 2;
const FIRST = 3;
const REFERENCES = 4;
const DATA = 5;
const WORDS = 6;
// Numbers of a fence.
const SEQNO = 0;
const TIMESTAMP = 1;
const NUMBERS = 2;

const FLAGS = 0xff;
const ERROR_SHIFT = 8;
const GENERATION_SHIFT = 16;

/**
 * The fields of all fences of a pool, indexed by `FenceId`: 40 bytes a fence in two flat arrays, the fields of one fence
 * side by side, because what is done to a fence touches most of them.
 */
export class FenceTable {
  #words = new Int32Array(64 * WORDS);
  #numbers = new Float64Array(64 * NUMBERS);
  #capacity = 64;
  #used = 0;
  #free = -1;

  /** Number of slots in use, counted when asked. */
  get live(): number {
    let live = this.#used;
    for (let fence = this.#free; fence >= 0; fence = this.first(fence as FenceId)) live--;
    return live;
  }

  /** A slot for a new fence, with no flags, no error, no callbacks and one reference. */
  take(driver: number, context: number, seqno: number): FenceId {
    let fence = this.#free;
    if (fence >= 0) this.#free = this.#words[fence * WORDS + FIRST] as number;
    else {
      if (this.#used === this.#capacity) this.#grow();
      fence = this.#used++;
    }
    const words = this.#words;
    const at = fence * WORDS;
    words[at + DRIVER] = driver;
    words[at + CONTEXT] = context;
    words[at + FIRST] = -1;
    words[at + REFERENCES] = 1;
    this.#numbers[fence * NUMBERS + SEQNO] = seqno;
    return fence as FenceId;
  }

  /** Gives a slot back; handles on the fence that was in it are stale from now on. */
  release(fence: FenceId): void {
    const words = this.#words;
    const at = fence * WORDS;
    words[at + STATE] = ((words[at + STATE] as number) & ~0xffff) + (1 << GENERATION_SHIFT);
    words[at + FIRST] = this.#free;
    this.#free = fence;
  }

  /** Its flags. */
  flags(fence: FenceId): number {
    return (this.#words[fence * WORDS + STATE] as number) & FLAGS;
  }

  /** Sets flags; none is ever cleared (F-2). */
  setFlags(fence: FenceId, flags: number): void {
    const at = fence * WORDS + STATE;
    this.#words[at] = (this.#words[at] as number) | flags;
  }

  /** Index of its error among the pool's; 0 is none. */
  error(fence: FenceId): number {
    return ((this.#words[fence * WORDS + STATE] as number) >> ERROR_SHIFT) & FLAGS;
  }

  /** Sets the index of its error. */
  setError(fence: FenceId, error: number): void {
    const at = fence * WORDS + STATE;
    this.#words[at] = ((this.#words[at] as number) & ~(FLAGS << ERROR_SHIFT)) | (error << ERROR_SHIFT);
  }

  /** Which use of the slot this is, modulo 2^16. */
  generation(fence: FenceId): number {
    return (this.#words[fence * WORDS + STATE] as number) >>> GENERATION_SHIFT;
  }

  /** Index of its driver among the pool's. */
  driver(fence: FenceId): number {
    return this.#words[fence * WORDS + DRIVER] as number;
  }

  /** Its context. */
  context(fence: FenceId): number {
    return (this.#words[fence * WORDS + CONTEXT] as number) >>> 0;
  }

  /** Its first callback, or -1. */
  first(fence: FenceId): number {
    return this.#words[fence * WORDS + FIRST] as number;
  }

  /** Sets its first callback, or -1. */
  setFirst(fence: FenceId, callback: number): void {
    this.#words[fence * WORDS + FIRST] = callback;
  }

  /** How many references there are. */
  references(fence: FenceId): number {
    return this.#words[fence * WORDS + REFERENCES] as number;
  }

  /** Sets how many references there are. */
  setReferences(fence: FenceId, references: number): void {
    this.#words[fence * WORDS + REFERENCES] = references;
  }

  /** A number of its driver's. */
  data(fence: FenceId): number {
    return this.#words[fence * WORDS + DATA] as number;
  }

  /** Sets the number of its driver's. */
  setData(fence: FenceId, data: number): void {
    this.#words[fence * WORDS + DATA] = data;
  }

  /** Its number in the context. */
  seqno(fence: FenceId): number {
    return this.#numbers[fence * NUMBERS + SEQNO] as number;
  }

  /** When it signaled. */
  timestamp(fence: FenceId): number {
    return this.#numbers[fence * NUMBERS + TIMESTAMP] as number;
  }

  /** Sets when it signaled. */
  setTimestamp(fence: FenceId, time: number): void {
    this.#numbers[fence * NUMBERS + TIMESTAMP] = time;
  }

  #grow(): void {
    this.#capacity *= 2;
    const words = new Int32Array(this.#capacity * WORDS);
    const numbers = new Float64Array(this.#capacity * NUMBERS);
    words.set(this.#words);
    numbers.set(this.#numbers);
    this.#words = words;
    this.#numbers = numbers;
  }
}
