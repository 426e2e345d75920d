// SPDX-License-Identifier: MIT
import { CircularQueue } from "./circular-queue.ts";

/**
 * A queue that the SMMU writes and software reads: of events, or of page requests. What does not fit is lost and OVFLG toggles,
 * but an event of a transaction that waits is kept and recorded when there is room (M-53). @see Arm IHI 0070, 7.2, 7.4 and 8.2
 */
export class EventQueue {
  /** CR0.EVTQEN or PRIQEN: while it is off, everything is lost silently. */
  enabled = false;
  /** The interrupt: called when the queue was empty and is not any more. */
  onRecord: (() => void) | null = null;
  readonly #queue: CircularQueue;
  readonly #kept: Uint32Array[] = [];
  readonly #stopsWhenOverflown: boolean;

  /**
   * @param words 32-bit words of a record
   * @param stopsWhenOverflown whether nothing is recorded until an overflow is acknowledged, as in the PRI queue
   */
  constructor(size: number, words: number, stopsWhenOverflown = false) {
    this.#queue = new CircularQueue(size, words);
    this.#stopsWhenOverflown = stopsWhenOverflown;
  }

  /** SMMU_EVENTQ_PROD, with OVFLG in bit 31. */
  get prod(): number {
    return this.#queue.prod;
  }

  /** SMMU_EVENTQ_CONS, with OVACKFLG in bit 31. */
  get cons(): number {
    return this.#queue.cons;
  }

  /** Records that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Whether records were lost since software last acknowledged that. */
  get hasOverflown(): boolean {
    return this.#queue.hasOverflown;
  }

  /** Whether what is recorded now would be lost. */
  get isStopped(): boolean {
    return this.#queue.isFull || (this.#stopsWhenOverflown && this.hasOverflown);
  }

  /**
   * The SMMU records something; false when it is lost.
   * @param keep whether it waits for room instead, as the event of a stalled transaction
   */
  record(words: Uint32Array, keep = false): boolean {
    if (!this.enabled) return false;
    if (this.isStopped || !this.#queue.push(words)) {
      if (keep) this.#kept.push(words);
      else this.#queue.overflow();
      return keep;
    }
    if (this.#queue.length === 1) this.onRecord?.();
    return true;
  }

  /** Software takes the next record, or gets null. */
  consume(): Uint32Array | null {
    const words = this.#queue.pop();
    const kept = this.#queue.isFull ? undefined : this.#kept.shift();
    if (kept !== undefined) this.#queue.push(kept);
    return words;
  }

  /** Software has seen that records were lost: OVACKFLG follows OVFLG. */
  acknowledge(): void {
    this.#queue.acknowledge();
  }
}
