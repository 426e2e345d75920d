// SPDX-License-Identifier: MIT
import { Magazine } from "./magazine.ts";

/**
 * Free ranges of one size, so that they are handed out again without the allocator: each CPU has two magazines, and full ones
 * that no CPU has room for lie in a depot. @see struct iova_rcache
 */
export class RangeCache {
  readonly #loaded: Magazine[];
  readonly #previous: Magazine[];
  readonly #depot: Magazine[] = [];

  /** @param cpus number of CPUs, 1 or more */
  constructor(cpus: number) {
    this.#loaded = Array.from({ length: cpus }, () => new Magazine());
    this.#previous = Array.from({ length: cpus }, () => new Magazine());
  }

  /** Full magazines in the depot. */
  get depotSize(): number {
    return this.#depot.length;
  }

  /** Ranges in the magazines of all CPUs and in the depot. */
  get count(): number {
    return [...this.#loaded, ...this.#previous, ...this.#depot].reduce((sum, { count }) => sum + count, 0);
  }

  /** Keeps a free range; true when a magazine went into the depot for it. @see __iova_rcache_insert */
  put(frame: number, cpu: number): boolean {
    const loaded = this.#loaded[cpu] as Magazine;
    if (!loaded.isFull) {
      loaded.push(frame);
      return false;
    }
    const isPreviousFull = (this.#previous[cpu] as Magazine).isFull;
    if (isPreviousFull) {
      this.#depot.push(loaded);
      this.#loaded[cpu] = new Magazine();
    } else this.#swap(cpu);
    (this.#loaded[cpu] as Magazine).push(frame);
    return isPreviousFull;
  }

  /**
   * The range kept last that begins at `highest` or lower, or null. Only one magazine is searched: the loaded one, else, when it
   * is empty, the other, else one from the depot. @see __iova_rcache_get
   */
  take(highest: number, cpu: number): number | null {
    if ((this.#loaded[cpu] as Magazine).count === 0) {
      if ((this.#previous[cpu] as Magazine).count > 0) this.#swap(cpu);
      else {
        const full = this.#depot.pop();
        if (full === undefined) return null;
        this.#loaded[cpu] = full;
      }
    }
    return (this.#loaded[cpu] as Magazine).pop(highest);
  }

  /** Empties the magazines of one CPU. @see free_cpu_cached_iovas */
  drainCpu(cpu: number, visit: (frame: number) => void): void {
    this.#loaded[cpu]?.drain(visit);
    this.#previous[cpu]?.drain(visit);
  }

  /** Empties the depot. @see free_global_cached_iovas */
  drainDepot(visit: (frame: number) => void): void {
    for (let full = this.#depot.pop(); full !== undefined; full = this.#depot.pop()) full.drain(visit);
  }

  /** Empties one magazine of the depot when it holds more than one for each CPU; whether it did. @see iova_depot_work_func */
  trim(visit: (frame: number) => void): boolean {
    if (this.#depot.length <= this.#loaded.length) return false;
    this.#depot.pop()?.drain(visit);
    return true;
  }

  #swap(cpu: number): void {
    const loaded = this.#loaded[cpu] as Magazine;
    this.#loaded[cpu] = this.#previous[cpu] as Magazine;
    this.#previous[cpu] = loaded;
  }
}
