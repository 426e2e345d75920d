// SPDX-License-Identifier: MIT
import type { Errno } from "../error.ts";
import type { BlockOptions } from "../sim/block.ts";
import type { Process } from "../sim/process.ts";
import type { CallbackId, FenceId } from "./fence-callback.ts";
import type { FenceOps } from "./fence-ops.ts";
import type { FencePool } from "./fence-pool.ts";
import type { FenceStatus } from "./fence-state.ts";
import type { AnyWait } from "./fence-wait.ts";

/**
 * A handle on a fence: work of a device that ends some time, and may have ended with an error. The state is in the pool;
 * several handles can name one fence, compare them with `equals`. A handle used after the fence was freed is a
 * BUG. @see struct dma_fence
 */
export class DmaFence implements Disposable {
  readonly #pool: FencePool;
  readonly #id: FenceId;
  readonly #generation: number;

  /** A handle on a fence of the pool; it takes no reference. */
  constructor(pool: FencePool, id: FenceId) {
    this.#pool = pool;
    this.#id = id;
    this.#generation = pool.generation(id);
  }

  /** Makes a pending fence with one reference, see `FencePool.init` (F-1). @see dma_fence_init */
  static init(pool: FencePool, ops: FenceOps, context: number, seqno: number): DmaFence {
    return new DmaFence(pool, pool.init(ops, context, seqno));
  }

  /** The shared fence that was signaled from the start, with a reference (F-27). @see dma_fence_get_stub */
  static stub(pool: FencePool): DmaFence {
    return new DmaFence(pool, pool.stub());
  }

  /** A signaled fence of one's own, as of `time` ns (F-27). @see dma_fence_allocate_private_stub */
  static privateStub(pool: FencePool, time: number): DmaFence {
    return new DmaFence(pool, pool.privateStub(time));
  }

  /** Waits for the first of several to signal, see `FencePool.waitAny` (F-18). @see dma_fence_wait_any_timeout */
  static waitAny(fences: readonly DmaFence[], options: BlockOptions = {}): Process<AnyWait> {
    const pool = poolOf(fences);
    return pool.waitAny(
      fences.map(({ id }) => id),
      options,
    );
  }

  /** Waits for all of several within one timeout, see `FencePool.waitAll`. */
  static waitAll(fences: readonly DmaFence[], options: BlockOptions = {}): Process<number> {
    const pool = poolOf(fences);
    return pool.waitAll(
      fences.map(({ id }) => id),
      options,
    );
  }

  /** The pool it lives in. */
  get pool(): FencePool {
    return this.#pool;
  }

  /** Its index in the pool. BUG when the fence is freed. */
  get id(): FenceId {
    if (this.#pool.generation(this.#id) !== this.#generation) {
      this.#pool.simulation.diagnostics.bug("F-24", "dma_fence", "used after its last reference was put");
    }
    return this.#id;
  }

  /** Its context; fences of one context signal in the order of their seqnos (F-20). */
  get context(): number {
    return this.#pool.context(this.id);
  }

  /** Its number within the context. */
  get seqno(): number {
    return this.#pool.seqno(this.id);
  }

  /** Name of its driver; from 6.17 on a placeholder once it has signaled (F-26). */
  get driverName(): string {
    return this.#pool.driverName(this.id);
  }

  /** Name of its driver's timeline; from 6.17 on a placeholder once it has signaled (F-26). */
  get timelineName(): string {
    return this.#pool.timelineName(this.id);
  }

  /** Whether it is an array or a chain, which must be unwrapped before they go into a reservation. */
  get isContainer(): boolean {
    return this.#pool.isContainer(this.id);
  }

  /** Whether it has signaled; may ask the driver, see `FencePool.isSignaled` (F-7). */
  get isSignaled(): boolean {
    const signaled = this.#pool.isSignaled(this.id);
    if (signaled) this.#pool.emitObserved(this.id);
    return signaled;
  }

  /** Active, signaled, or the error it signaled with (F-8). */
  get status(): FenceStatus {
    return this.#pool.status(this.id);
  }

  /** The error set on it, or null, signaled or not (F-6). */
  get error(): Errno | null {
    return this.#pool.error(this.id);
  }

  /** When it signaled, in ns (F-9). */
  get timestamp(): number {
    return this.#pool.timestamp(this.id);
  }

  /** Signals it now; false when it was signaled before, the kernel's -EINVAL (F-3). @see dma_fence_signal */
  signal(): boolean {
    return this.#pool.signal(this.id);
  }

  /** Signals it as of `time` ns (F-4). @see dma_fence_signal_timestamp */
  signalTimestamp(time: number): boolean {
    return this.#pool.signalTimestamp(this.id, time);
  }

  /** The error it will signal with (F-6). @see dma_fence_set_error */
  setError(error: Errno): void {
    this.#pool.setError(this.id, error);
  }

  /** Makes the driver see to the signal (F-10). @see dma_fence_enable_sw_signaling */
  enableSignaling(): void {
    this.#pool.enableSignaling(this.id);
  }

  /** Has `callback` run in atomic context at the signal; null when it will never run (F-11, F-12). */
  addCallback(callback: (fence: DmaFence) => void): CallbackId | null {
    return this.#pool.addCallback(this.id, () => callback(this));
  }

  /** Takes a callback back; true exactly when it will never run (F-13). */
  removeCallback(callback: CallbackId): boolean {
    return this.#pool.removeCallback(this.id, callback);
  }

  /** Waits for the signal: what is left of the timeout in ns, or 0 (F-16), see `FencePool.wait`. */
  wait(options: BlockOptions = {}): Process<number> {
    return this.#pool.wait(this.id, options);
  }

  /** Whether it comes after `other` in their context (F-21). */
  isLater(other: DmaFence): boolean {
    return this.#pool.isLater(this.id, other.id);
  }

  /** Whether it is `other` or comes after it (F-22). */
  isLaterOrSame(other: DmaFence): boolean {
    return this.#pool.isLaterOrSame(this.id, other.id);
  }

  /** The later one of the two, without a reference, or null when that has signaled (F-22). @see dma_fence_later */
  later(other: DmaFence): DmaFence | null {
    const later = this.#pool.later(this.id, other.id);
    if (later === null) return null;
    return later === this.id ? this : other;
  }

  /** Whether it belongs to a context; of an array every member must (F-23). @see dma_fence_match_context */
  matchContext(context: number): boolean {
    return this.#pool.matchContext(this.id, context);
  }

  /** Tells the driver when it should be done, in ns of virtual time: a hint (F-28). @see dma_fence_set_deadline */
  setDeadline(time: number): void {
    this.#pool.setDeadline(this.id, time);
  }

  /** Whether both handles name one fence. */
  equals(other: DmaFence): boolean {
    return this.#pool === other.#pool && this.id === other.id;
  }

  /** Takes another reference and returns a handle for it. @see dma_fence_get */
  get(): DmaFence {
    this.#pool.get(this.id);
    return new DmaFence(this.#pool, this.#id);
  }

  /**
   * Takes another reference if the fence is not freed; null when it is, also when its slot has another fence by now
   * (F-25): for handles that were kept without a reference. @see dma_fence_get_rcu_safe
   */
  tryGet(): DmaFence | null {
    return this.#pool.generation(this.#id) === this.#generation ? this.get() : null;
  }

  /** Gives the reference back; the last one frees the fence (F-24). @see dma_fence_put */
  put(): void {
    this.#pool.put(this.id);
  }

  [Symbol.dispose](): void {
    this.put();
  }

  /** As the kernel prints it (F-29). */
  describe(): string {
    return this.#pool.describe(this.id);
  }
}

const poolOf = (fences: readonly DmaFence[]): FencePool => {
  const [first] = fences;
  if (first === undefined) throw new TypeError("no fences to wait for (F-18)");
  return first.pool;
};
