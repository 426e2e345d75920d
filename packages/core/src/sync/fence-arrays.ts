// SPDX-License-Identifier: MIT
import { BlockArena } from "./block-arena.ts";
import { emitContents } from "./dma-fence-trace.ts";
import type { FenceId } from "./fence-callback.ts";
import type { FenceOps } from "./fence-ops.ts";
import type { FencePool } from "./fence-pool.ts";

// A block: how many members, how many of them are still to signal, then the members.
const COUNT = 0;
const PENDING = 1;
const MEMBERS = 2;

/**
 * The arrays of a pool and what they do as fences (F-35 to F-39): 4 bytes a member and 8 an array beside its fence.
 * `DmaFenceArray` is the handle. @see struct dma_fence_array
 */
export class FenceArrays implements FenceOps {
  readonly driverName = "dma_fence_array";
  readonly timelineName = "unbound";
  readonly #pool: FencePool;
  readonly #blocks = new BlockArena();

  constructor(pool: FencePool) {
    this.#pool = pool;
  }

  /** Whether a fence is an array. @see dma_fence_is_array */
  has(fence: FenceId): boolean {
    return this.#pool.ops(fence) === this;
  }

  /**
   * Makes an array of `members`, whose references it takes over (F-35). With `any` the first signal is enough. WARN
   * without members, and for a member that is itself an array or a chain. @see dma_fence_array_create
   */
  create(members: readonly FenceId[], context: number, seqno: number, any: boolean): FenceId {
    const pool = this.#pool;
    const { diagnostics } = pool.simulation;
    if (members.length === 0) diagnostics.warn("F-35", "dma_fence_array_create", "an array of no fences");
    const array = pool.init(this, context, seqno);
    const block = this.#blocks.take(MEMBERS + members.length);
    const { words } = this.#blocks;
    words[block + COUNT] = members.length;
    words[block + PENDING] = any ? 1 : members.length;
    for (const [i, member] of members.entries()) {
      if (pool.isContainer(member))
        diagnostics.warn("F-35", "dma_fence_array_create", `${pool.describe(member)} is a container itself`);
      words[block + MEMBERS + i] = member;
      emitContents(pool, array, member);
    }
    pool.setData(array, block);
    return array;
  }

  /** Number of members. */
  count(array: FenceId): number {
    return this.#blocks.words[this.#pool.data(array) + COUNT] as number;
  }

  /** A member, from 0; no reference is taken. */
  member(array: FenceId, index: number): FenceId {
    return this.#blocks.words[this.#pool.data(array) + MEMBERS + index] as FenceId;
  }

  /** Hooks every member; false when enough of them have signaled already (F-36). */
  enableSignaling(array: FenceId): boolean {
    const pool = this.#pool;
    for (let i = 0; i < this.count(array); i++) {
      const member = this.member(array, i);
      // The callback holds the array: with `any`, others are still hooked when it has signaled.
      pool.get(array);
      if (pool.addCallback(member, this.#memberSignaled, array) !== null) continue;
      this.#takeError(array, member);
      pool.put(array);
      if (this.#countDown(array)) return false;
    }
    return true;
  }

  /** Enough members have signaled: counted once signaling is enabled, asked one by one before (F-38). */
  signaled(array: FenceId): boolean {
    const pool = this.#pool;
    let pending = this.#blocks.words[pool.data(array) + PENDING] as number;
    if (pool.isSignalingEnabled(array)) return pending <= 0;
    for (let i = 0; i < this.count(array); i++) {
      if (pool.isSignaled(this.member(array, i)) && --pending === 0) return true;
    }
    return false;
  }

  /** Passes a deadline on to every member (F-28, F-38). */
  setDeadline(array: FenceId, time: number): void {
    for (let i = 0; i < this.count(array); i++) this.#pool.setDeadline(this.member(array, i), time);
  }

  /** Puts the members. */
  release(array: FenceId): void {
    const count = this.count(array);
    for (let i = 0; i < count; i++) this.#pool.put(this.member(array, i));
    this.#blocks.release(this.#pool.data(array), MEMBERS + count);
  }

  readonly #memberSignaled = (member: FenceId, data: number): void => {
    const array = data as FenceId;
    this.#takeError(array, member);
    if (this.#countDown(array)) this.#pool.irqWork.queue(this.#complete, array);
    else this.#pool.put(array);
  };

  readonly #complete = (array: FenceId): void => {
    this.#pool.signal(array);
    this.#pool.put(array);
  };

  /** The first error of a member is the array's (F-37). */
  #takeError(array: FenceId, member: FenceId): void {
    const error = this.#pool.error(member);
    if (error !== null && this.#pool.error(array) === null && !this.#pool.hasSignaled(array))
      this.#pool.setError(array, error);
  }

  /** One member fewer; true when it was the last that counts. */
  #countDown(array: FenceId): boolean {
    const { words } = this.#blocks;
    const at = this.#pool.data(array) + PENDING;
    words[at] = (words[at] as number) - 1;
    return words[at] === 0;
  }
}
