// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import { emitContents } from "./dma-fence-trace.ts";
import type { FenceId } from "./fence-callback.ts";
import type { FenceOps } from "./fence-ops.ts";
import type { FencePool } from "./fence-pool.ts";

/** Where a walk ends. */
const NONE = -1;

/**
 * The chain nodes of a pool and what they do as fences (F-40 to F-46): 16 bytes a node beside its fence. `DmaFenceChain`
 * is the handle. @see struct dma_fence_chain
 */
export class FenceChains implements FenceOps {
  readonly driverName = "dma_fence_chain";
  readonly timelineName = "unbound";
  readonly seqno64 = true;
  readonly #pool: FencePool;
  /** The fence before, or NONE; in a free node the next free one. */
  #previous = new Int32Array(16);
  #contained = new Int32Array(16);
  #previousSeqno = new Float64Array(16);
  #used = 0;
  #free = NONE;

  constructor(pool: FencePool) {
    this.#pool = pool;
  }

  /** Whether a fence is a node of a chain. @see to_dma_fence_chain */
  has(fence: FenceId): boolean {
    return this.#pool.ops(fence) === this;
  }

  /**
   * Makes a node of `fence` behind `previous` (or -1), both of whose references it takes over (F-40, F-41). In the
   * context of a chain before it when its seqno is later, else in one of its own, with a seqno at least as high. WARN
   * when `fence` is a chain itself. @see dma_fence_chain_init
   */
  create(previous: FenceId | -1, fence: FenceId, seqno: number): FenceId {
    const pool = this.#pool;
    const behindChain = previous >= 0 && this.has(previous as FenceId);
    const before = behindChain ? pool.seqno(previous as FenceId) : 0;
    const continues = behindChain && seqno > before;
    if (this.has(fence)) {
      const text = `${pool.describe(fence)} is a chain itself`;
      pool.simulation.diagnostics.warn("F-40", "dma_fence_chain_init", text);
    }
    const context = continues ? pool.context(previous as FenceId) : pool.contextAlloc();
    const chain = pool.init(this, context, Math.max(seqno, before));
    const node = this.#take();
    this.#previous[node] = previous;
    this.#contained[node] = fence;
    this.#previousSeqno[node] = continues ? before : 0;
    pool.setData(chain, node);
    emitContents(pool, chain, fence);
    if (previous >= 0) emitContents(pool, chain, previous as FenceId);
    return chain;
  }

  /** The fence in a node; a fence that is no chain is its own. @see dma_fence_chain_contained */
  contained(fence: FenceId): FenceId {
    return (this.has(fence) ? this.#contained[this.#pool.data(fence)] : fence) as FenceId;
  }

  /** The seqno of the node before in this context, or 0. */
  previousSeqno(chain: FenceId): number {
    return this.#previousSeqno[this.#pool.data(chain)] as number;
  }

  /**
   * The fence before that has not signaled, with a reference, or -1; signaled ones in between are unlinked (F-43). Takes
   * the caller's reference on `fence` over. @see dma_fence_chain_walk
   */
  walk(fence: FenceId): FenceId | -1 {
    const pool = this.#pool;
    let found: FenceId | -1 = NONE;
    if (this.has(fence)) {
      const node = pool.data(fence);
      for (;;) {
        found = this.#previous[node] as FenceId | -1;
        if (found < 0) break;
        pool.get(found as FenceId);
        if (!pool.isSignaled(this.contained(found as FenceId))) break;
        // Asking may have signaled it, and a callback of that may have walked here before us.
        if (this.#previous[node] === found) this.#unlink(node, found as FenceId);
        pool.put(found as FenceId);
      }
    }
    pool.put(fence);
    return found;
  }

  /**
   * The node that stands for `seqno`: the lowest one at or above it (F-44), with a reference, or -1 when it has signaled.
   * 0 is the fence itself. Throws `KernelError` EINVAL when `fence` is no chain or the number is not in it yet.
   * @see dma_fence_chain_find_seqno
   */
  findSeqno(fence: FenceId, seqno: number): FenceId | -1 {
    const pool = this.#pool;
    if (seqno === 0) return pool.get(fence);
    if (!this.has(fence) || pool.seqno(fence) < seqno) {
      const reason = `${pool.describe(fence)} has no point ${seqno}`;
      throw new KernelError("EINVAL", "dma_fence_chain_find_seqno", reason);
    }
    const context = pool.context(fence);
    let found: FenceId | -1 = pool.get(fence);
    while (found >= 0) {
      const at = found as FenceId;
      if (pool.context(at) !== context || this.previousSeqno(at) < seqno) break;
      found = this.walk(at);
    }
    return found;
  }

  /** Hooks the newest fence from here back that has not signaled; false when all have (F-42). */
  enableSignaling(chain: FenceId): boolean {
    const pool = this.#pool;
    pool.get(chain);
    for (let link: FenceId | -1 = pool.get(chain); link >= 0; link = this.walk(link as FenceId)) {
      const fence = pool.get(this.contained(link as FenceId));
      if (pool.addCallback(fence, this.#containedSignaled, chain) !== null) {
        pool.put(link as FenceId);
        return true;
      }
      pool.put(fence);
    }
    pool.put(chain);
    return false;
  }

  /** Whether everything from here back has signaled (F-42). */
  signaled(chain: FenceId): boolean {
    const pool = this.#pool;
    for (let link: FenceId | -1 = pool.get(chain); link >= 0; link = this.walk(link as FenceId)) {
      if (pool.isSignaled(this.contained(link as FenceId))) continue;
      pool.put(link as FenceId);
      return false;
    }
    return true;
  }

  /** Passes a deadline on to every fence from here back (F-46). */
  setDeadline(chain: FenceId, time: number): void {
    const pool = this.#pool;
    for (let link: FenceId | -1 = pool.get(chain); link >= 0; link = this.walk(link as FenceId))
      pool.setDeadline(this.contained(link as FenceId), time);
  }

  /** Puts what the node holds; earlier nodes that nobody else holds go with it, without recursion (F-45). */
  release(chain: FenceId): void {
    const pool = this.#pool;
    const node = pool.data(chain);
    for (;;) {
      const previous = this.#previous[node] as FenceId | -1;
      if (previous < 0 || !this.has(previous as FenceId) || pool.references(previous as FenceId) > 1) break;
      const before = pool.data(previous as FenceId);
      this.#previous[node] = this.#previous[before] as number;
      this.#previous[before] = NONE;
      pool.put(previous as FenceId);
    }
    const [previous, fence] = [this.#previous[node] as number, this.#contained[node] as FenceId];
    this.#previous[node] = this.#free;
    this.#free = node;
    if (previous >= 0) pool.put(previous as FenceId);
    pool.put(fence);
  }

  readonly #containedSignaled = (fence: FenceId, chain: number): void => {
    this.#pool.irqWork.queue(this.#rearm, chain as FenceId);
    this.#pool.put(fence);
  };

  readonly #rearm = (chain: FenceId): void => {
    if (!this.enableSignaling(chain)) this.#pool.signal(chain);
    this.#pool.put(chain);
  };

  /** Takes a signaled fence out from behind a node. */
  #unlink(node: number, fence: FenceId): void {
    const pool = this.#pool;
    let replacement = NONE;
    if (this.has(fence)) {
      replacement = this.#previous[pool.data(fence)] as number;
      if (replacement >= 0) pool.get(replacement as FenceId);
    }
    this.#previous[node] = replacement;
    pool.put(fence);
  }

  #take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.#previous[free] as number;
      return free;
    }
    if (this.#used === this.#previous.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = 2 * this.#used;
    const previous = new Int32Array(capacity);
    const contained = new Int32Array(capacity);
    const previousSeqno = new Float64Array(capacity);
    previous.set(this.#previous);
    contained.set(this.#contained);
    previousSeqno.set(this.#previousSeqno);
    this.#previous = previous;
    this.#contained = contained;
    this.#previousSeqno = previousSeqno;
  }
}
