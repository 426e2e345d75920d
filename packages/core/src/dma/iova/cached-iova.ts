// SPDX-License-Identifier: MIT
import { MILLISECOND } from "../../sim/clock.ts";
import type { IovaAllocator } from "./iova-allocator.ts";
import { orderOf, roundUpPowerOfTwo } from "./natural-alignment.ts";
import { RangeCache } from "./range-cache.ts";
import type { OneShot, Timers } from "./timers.ts";

/** Sizes that are cached: 2^0 to 2^5 frames. @see IOVA_RANGE_CACHE_MAX_SIZE */
export const CACHED_ORDERS = 6;

/** Time between two trims of a depot, in ns. @see IOVA_DEPOT_DELAY */
export const DEPOT_DELAY: number = 100 * MILLISECOND;

/** What `CachedIova` is made of. */
export interface CachedIovaOptions {
  /** CPUs with magazines of their own (default 1). */
  readonly cpus?: number;
  /** Trims the depots in virtual time; without, `trimDepot` is for the caller to call. */
  readonly timers?: Timers;
}

/**
 * An allocator behind the range caches (I-4): up to 32 frames, what is freed is kept and handed out again, the range freed
 * last first, on the CPU where it was freed. What is kept stays taken in the allocator.
 */
export class CachedIova {
  readonly #allocator: IovaAllocator;
  readonly #cpus: number;
  readonly #caches: readonly RangeCache[];
  readonly #depotTimers: readonly OneShot[];
  readonly #release = (frame: number): void => {
    this.#allocator.free(frame);
  };

  constructor(allocator: IovaAllocator, { cpus = 1, timers }: CachedIovaOptions = {}) {
    this.#allocator = allocator;
    this.#cpus = cpus;
    this.#caches = Array.from({ length: CACHED_ORDERS }, () => new RangeCache(cpus));
    this.#depotTimers =
      timers === undefined
        ? []
        : this.#caches.map((_, order) => timers.timer(() => this.#depotExpired(order)));
  }

  /** Ranges that are free but kept. */
  get cachedCount(): number {
    return this.#caches.reduce((sum, { count }) => sum + count, 0);
  }

  /** Full magazines in the depot of ranges of 2^order frames. */
  depotSize(order: number): number {
    return this.#caches[order]?.depotSize ?? 0;
  }

  /**
   * Takes `size` frames whose last is at most `limit`, aligned; fewer than 32 are rounded up to a power of two. When there
   * is no place and `flush` is set, everything that is kept is freed, of all sizes and CPUs, and it is tried once
   * more. Returns the first frame, or null. @see alloc_iova_fast
   */
  allocate(size: number, limit: number, flush: boolean, cpu = 0): number | null {
    const frames = size < 2 ** (CACHED_ORDERS - 1) ? roundUpPowerOfTwo(size) : size;
    const kept = this.#caches[orderOf(frames)]?.take(limit + 1 - frames, cpu) ?? null;
    if (kept !== null) return kept;
    const first = this.#allocator.allocate(frames, limit);
    if (first !== null || !flush) return first;
    this.flush();
    return this.#allocator.allocate(frames, limit);
  }

  /**
   * Gives a range back that was allocated with this size, rounded or not. Up to 32 frames it is kept: nobody looks whether it
   * was taken, so a range that is freed twice is handed out twice, as in the kernel. Longer ones return false when no
   * range holds the frame. @see free_iova_fast
   */
  free(first: number, size: number, cpu = 0): boolean {
    const order = orderOf(size);
    const cache = this.#caches[order];
    if (cache === undefined) return this.#allocator.free(first);
    if (cache.put(first, cpu)) {
      const timer = this.#depotTimers[order];
      if (timer?.armed === false) timer.arm(DEPOT_DELAY);
    }
    return true;
  }

  /** Frees all that is kept: each CPU's magazines, then the depots. */
  flush(): void {
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      for (const cache of this.#caches) cache.drainCpu(cpu, this.#release);
    }
    for (const cache of this.#caches) cache.drainDepot(this.#release);
  }

  /**
   * Frees one magazine of a depot that holds more than one for each CPU. True when it did and wants to be called again
   * `DEPOT_DELAY` later. @see iova_depot_work_func
   */
  trimDepot(order: number): boolean {
    return this.#caches[order]?.trim(this.#release) ?? false;
  }

  #depotExpired(order: number): void {
    if (this.trimDepot(order)) this.#depotTimers[order]?.arm(DEPOT_DELAY);
  }
}
