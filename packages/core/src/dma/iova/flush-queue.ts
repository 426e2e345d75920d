// SPDX-License-Identifier: MIT
import { MILLISECOND } from "../../sim/clock.ts";
import { FlushRing } from "./flush-ring.ts";
import type { OneShot, Timers } from "./timers.ts";

/** How a `FlushQueue` collects. */
export interface FlushQueueOptions {
  /** CPUs with a queue of their own (default 1). */
  readonly cpus?: number;
  /** One queue for all CPUs, for IOMMUs whose flushes are expensive (default false). @see shadow_on_flush in struct dev_iommu */
  readonly single?: boolean;
  /** Places of a queue, a power of two (default 256, or 32768 when single). @see IOVA_DEFAULT_FQ_SIZE */
  readonly size?: number;
  /** Longest wait of a range in ns (default 10 ms, or 1 s when single). @see IOVA_DEFAULT_FQ_TIMEOUT */
  readonly timeout?: number;
}

/** What a `FlushQueue` works with. */
export interface FlushQueueOps {
  /** Makes the one timer. */
  readonly timers: Timers;
  /** Flushes the whole TLB; when it returns the flush is finished. */
  flush(): void;
  /** Frees a range: nothing reaches it any more. */
  release(frame: number, size: number, cpu: number): void;
}

/**
 * Lazy unmapping (I-5): ranges whose page-table entries are gone wait here until the TLB has been flushed, and only then are
 * free. It is flushed when a range comes and the queue of its CPU is full, and when the timer expires that the first range
 * after the last expiry armed. Until then devices still reach what was unmapped. @see queue_iova, fq_flush_timeout
 */
export class FlushQueue {
  /** Longest wait of a range, in ns. */
  readonly timeout: number;
  /** Flushes so far that were started and finished. @see fq_flush_start_cnt */
  flushesStarted = 0;
  /** @see fq_flush_finish_cnt */
  flushesFinished = 0;
  readonly #rings: readonly FlushRing[];
  readonly #ops: FlushQueueOps;
  readonly #timer: OneShot;

  /** Throws `TypeError` for a size that is not a power of two from 2 on. */
  constructor(ops: FlushQueueOps, options: FlushQueueOptions = {}) {
    const { cpus = 1, single = false } = options;
    const { size = single ? 32_768 : 256, timeout = (single ? 1000 : 10) * MILLISECOND } = options;
    if (!(size >= 2 && Number.isInteger(Math.log2(size))))
      throw new TypeError(`a flush queue of ${size} places: not a power of two from 2 on`);
    this.timeout = timeout;
    this.#ops = ops;
    this.#rings = Array.from({ length: single ? 1 : cpus }, () => new FlushRing(size));
    this.#timer = ops.timers.timer(() => this.#expired());
  }

  /** Ranges that wait. */
  get length(): number {
    return this.#rings.reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether a frame was unmapped and no flush has been finished since, so that it may still be reached. */
  waits(frame: number): boolean {
    return this.#rings.some((ring) => ring.waits(frame, this.flushesFinished));
  }

  /** Puts a range in that a CPU has unmapped; flushes first when that CPU's queue is full. @see queue_iova */
  queue(frame: number, size: number, cpu = 0): void {
    const at = this.#rings.length === 1 ? 0 : cpu;
    const ring = this.#rings[at] as FlushRing;
    this.#release(ring, cpu);
    if (ring.isFull) {
      this.#flush();
      this.#release(ring, cpu);
    }
    ring.add(frame, size, this.flushesStarted);
    if (!this.#timer.armed) this.#timer.arm(this.timeout);
  }

  /** Ends the queue with its domain: the timer is taken back, and what waits is never freed. @see iommu_dma_free_fq */
  destroy(): void {
    this.#timer.cancel();
  }

  #expired(): void {
    this.#flush();
    // The kernel's timer runs on one CPU and frees into that CPU's caches.
    for (const ring of this.#rings) this.#release(ring, 0);
  }

  #flush(): void {
    this.flushesStarted++;
    this.#ops.flush();
    this.flushesFinished++;
  }

  #release(ring: FlushRing, cpu: number): void {
    ring.release(this.flushesFinished, (frame, size) => this.#ops.release(frame, size, cpu));
  }
}
