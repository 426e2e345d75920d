// SPDX-License-Identifier: MIT
import { DmaFence } from "./dma-fence.ts";

/** How an array is made. */
export interface ArrayOptions {
  /** Its context; default one of its own. */
  readonly context?: number;
  /** Its number in the context; default 1. */
  readonly seqno?: number;
  /** Whether the first member to signal is enough; such an array never goes into a reservation (F-39). Default no. */
  readonly any?: boolean;
}

/**
 * A handle on a fence that is made of others and signals when all of them have, or the first one (F-35). It hooks its
 * members when somebody waits for it, and signals a moment after the last one, from another context (F-36). The first
 * error of a member is its own (F-37), unless nobody ever waited: asking alone finds no errors (F-38).
 * @see struct dma_fence_array
 */
export class DmaFenceArray extends DmaFence {
  /**
   * Makes an array with one reference. It takes references of its own on the members. WARN for a member that is a
   * container itself (F-35). Throws `TypeError` for no members. @see dma_fence_array_create
   */
  static create(members: readonly DmaFence[], options: ArrayOptions = {}): DmaFenceArray {
    const [first] = members;
    if (first === undefined) throw new TypeError("dma_fence_array_create: an array of no fences (F-35)");
    const { pool } = first;
    const { context = pool.contextAlloc(), seqno = 1, any = false } = options;
    const ids = members.map(({ id }) => pool.get(id));
    return new DmaFenceArray(pool, pool.arrays.create(ids, context, seqno, any));
  }

  /** A handle on the same fence as an array, or null when it is none; no reference is taken. @see to_dma_fence_array */
  static from(fence: DmaFence): DmaFenceArray | null {
    return fence.pool.arrays.has(fence.id) ? new DmaFenceArray(fence.pool, fence.id) : null;
  }

  /** Handles on its members, without references. */
  get members(): readonly DmaFence[] {
    const { pool, id } = this;
    return Array.from({ length: pool.arrays.count(id) }, (_, i) => {
      return new DmaFence(pool, pool.arrays.member(id, i));
    });
  }
}
