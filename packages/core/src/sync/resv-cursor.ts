// SPDX-License-Identifier: MIT
import { resvSettled } from "./dma-resv-trace.ts";
import type { FenceId } from "./fence-callback.ts";
import type { ResvPool } from "./resv-pool.ts";
import { type Usage, usages } from "./usage.ts";

/**
 * Visits the pending fences of a usage or a stronger one without the lock. The fence it stands on is referenced,
 * so the visitor may sleep. When the table was replaced meanwhile it begins again and says so: whoever collects
 * something then throws it away. A fence that took a place in the old table may or may not be seen, as in the kernel.
 * @see dma_resv_iter_first_unlocked
 */
export class ResvCursor implements Disposable {
  readonly #pool: ResvPool;
  readonly #index: number;
  readonly #weight: number;
  #version = 0;
  #end = 0;
  #slot = 0;
  #fence: FenceId | null = null;
  #restarted = false;

  /** Stands in front of the first fence of object `index`. */
  constructor(pool: ResvPool, index: number, usage: Usage) {
    this.#pool = pool;
    this.#index = index;
    this.#weight = usages.indexOf(usage);
  }

  /** Whether the fence that `first` or `next` gave is the first one, for the first time or again. */
  get isRestarted(): boolean {
    return this.#restarted;
  }

  /** The usage of the fence it stands on; throws `TypeError` when it stands on none. */
  get usage(): Usage {
    if (this.#fence === null) throw new TypeError("dma_resv_iter_usage: the iteration stands on no fence");
    return usages[this.#pool.usageAt(this.#index, this.#slot)] as Usage;
  }

  /** The first fence, or null. */
  first(): FenceId | null {
    this.#restarted = true;
    this.#version = this.#pool.version(this.#index);
    this.#end = this.#pool.count(this.#index);
    this.#slot = 0;
    return this.#walk();
  }

  /** The next fence, or the first one of a new table, or null. */
  next(): FenceId | null {
    if (this.#pool.version(this.#index) !== this.#version) return this.first();
    this.#restarted = false;
    this.#slot++;
    return this.#walk();
  }

  /** Lets go of the fence it stands on. @see dma_resv_iter_end */
  [Symbol.dispose](): void {
    if (this.#fence !== null) this.#pool.fences.put(this.#fence);
    this.#fence = null;
  }

  #walk(): FenceId | null {
    this[Symbol.dispose]();
    const { fences } = this.#pool;
    for (; this.#slot < this.#end; this.#slot++) {
      if (this.#pool.usageAt(this.#index, this.#slot) > this.#weight) continue;
      const fence = this.#pool.fenceAt(this.#index, this.#slot);
      if (fences.isSignaled(fence)) continue;
      this.#fence = fences.get(fence);
      return fence;
    }
    this.#pool.simulation.trace.emit(resvSettled, this.#index, this.#weight);
    return null;
  }
}
