// SPDX-License-Identifier: MIT
import { DmaFence } from "./dma-fence.ts";
import type { FenceId } from "./fence-callback.ts";

/**
 * A handle on a node of a timeline: a fence, and everything before it. It has signaled when all of that has (F-42). Its
 * numbers have 64 bits (F-41); errors of what is in it stay theirs (F-45). @see struct dma_fence_chain
 */
export class DmaFenceChain extends DmaFence {
  /**
   * Makes a node of `fence` behind `previous`, with one reference; it takes references of its own on both. Behind a
   * chain whose number is lower it is of the same context; else it begins a context, with a number not below (F-40).
   * WARN when `fence` is a chain. @see dma_fence_chain_init
   */
  static create(previous: DmaFence | null, fence: DmaFence, seqno: number): DmaFenceChain {
    const { pool } = fence;
    const before = previous === null ? -1 : pool.get(previous.id);
    return new DmaFenceChain(pool, pool.chains.create(before, pool.get(fence.id), seqno));
  }

  /** A handle on the same fence as a node, or null when it is none; no reference is taken. @see to_dma_fence_chain */
  static from(fence: DmaFence): DmaFenceChain | null {
    return fence.pool.chains.has(fence.id) ? new DmaFenceChain(fence.pool, fence.id) : null;
  }

  /** The fence in the node, without a reference. */
  get contained(): DmaFence {
    return new DmaFence(this.pool, this.pool.chains.contained(this.id));
  }

  /** The number of the node before in the same context, or 0. */
  get previousSeqno(): number {
    return this.pool.chains.previousSeqno(this.id);
  }

  /**
   * The nearest fence before that has not signaled, with a reference, or null. Signaled ones in between are dropped from
   * the chain (F-43). @see dma_fence_chain_walk
   */
  walk(): DmaFence | null {
    return this.#handle(this.pool.chains.walk(this.pool.get(this.id)));
  }

  /**
   * The node to wait for when somebody wants `seqno`, with a reference: the lowest number that is not below it and
   * exists (F-44). Null when that has signaled; for 0 the node itself. Throws `KernelError` EINVAL for a number above
   * its own. @see dma_fence_chain_find_seqno
   */
  findSeqno(seqno: number): DmaFence | null {
    return this.#handle(this.pool.chains.findSeqno(this.id, seqno));
  }

  #handle(fence: FenceId | -1): DmaFence | null {
    return fence < 0 ? null : new DmaFence(this.pool, fence as FenceId);
  }
}
