// SPDX-License-Identifier: MIT
import { decode } from "./descriptor-words.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";

/** Entries of the queue that Linux sets up, whatever the width of a descriptor. @see QI_LENGTH */
const LENGTH = 256;

/**
 * The invalidation queue: a ring of descriptors in memory, from which hardware fetches between head and tail (IQH_REG, IQT_REG).
 * What it has fetched takes effect some time; software knows that it has when a later wait descriptor has written its status
 * (VT-d 6.5.2.8). This is the latest time that is allowed: not before.
 */
export class InvalidationQueue {
  readonly #words: Uint32Array;
  readonly #stride: number;
  readonly #perform: (descriptor: Descriptor) => void;
  #head = 0;
  #tail = 0;
  #pending: Descriptor[] = [];
  /** IQE of FSTS_REG: hardware met a descriptor that it does not know, and stopped there. */
  error = false;

  /**
   * @param wide whether descriptors have 256 bits, of which the second half is 0 (IQA_REG.DW, in scalable mode)
   * @param perform drops what a descriptor names out of the hardware's caches
   */
  constructor(wide: boolean, perform: (descriptor: Descriptor) => void) {
    this.#stride = wide ? 8 : 4;
    this.#words = new Uint32Array(LENGTH * this.#stride);
    this.#perform = perform;
  }

  /** What was fetched and no wait descriptor has followed. */
  get pending(): readonly Descriptor[] {
    return this.#pending;
  }

  /** Writes descriptors at the tail and moves it: hardware works them off. */
  submit(descriptors: readonly (readonly number[])[]): void {
    for (const words of descriptors) {
      const at = this.#tail * this.#stride;
      this.#words.fill(0, at, at + this.#stride);
      this.#words.set(words, at);
      this.#tail = (this.#tail + 1) % LENGTH;
      // The ring is as long as it needs to be: the driver waits for room, hardware is done at once.
      this.#work();
    }
  }

  #work(): void {
    while (!this.error && this.#head !== this.#tail) {
      const at = this.#head * this.#stride;
      const descriptor = decode(this.#words.subarray(at, at + 4));
      if (descriptor === null) {
        this.error = true;
        return;
      }
      this.#head = (this.#head + 1) % LENGTH;
      if (descriptor.kind === "inv_wait_dsc") this.#complete();
      else this.#pending.push(descriptor);
    }
  }

  #complete(): void {
    for (const descriptor of this.#pending.splice(0)) this.#perform(descriptor);
  }
}
