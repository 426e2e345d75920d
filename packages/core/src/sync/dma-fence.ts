// SPDX-License-Identifier: MIT
import type { Errno } from "../error.ts";
import type { Process } from "../sim/process.ts";
import type { BlockOptions } from "../sim/simulation.ts";
import type { CallbackId, FenceId } from "./fence-callback.ts";
import type { FenceOps } from "./fence-ops.ts";
import type { FencePool, FenceStatus } from "./fence-pool.ts";

/**
 * A handle on a fence: work of a device that ends some time, and may have ended with an error. The state is in the pool;
 * several handles can name one fence, compare them with `equals`. A handle used after the fence was freed throws
 * `TypeError`. @see struct dma_fence
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

  /** The pool it lives in. */
  get pool(): FencePool {
    return this.#pool;
  }

  /** Its index in the pool. Throws `TypeError` when the fence is freed. */
  get id(): FenceId {
    if (this.#pool.generation(this.#id) !== this.#generation) {
      throw new TypeError("dma_fence: used after its last reference was put (F-24)");
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

  /** Name of its driver (F-26). */
  get driverName(): string {
    return this.#pool.ops(this.id).driverName;
  }

  /** Name of its driver's timeline (F-26). */
  get timelineName(): string {
    return this.#pool.ops(this.id).timelineName;
  }

  /** Whether it has signaled; may ask the driver, see `FencePool.isSignaled` (F-7). */
  get isSignaled(): boolean {
    return this.#pool.isSignaled(this.id);
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

  /** Whether both handles name one fence. */
  equals(other: DmaFence): boolean {
    return this.#pool === other.#pool && this.id === other.id;
  }

  /** Takes another reference and returns a handle for it. @see dma_fence_get */
  get(): DmaFence {
    this.#pool.get(this.id);
    return new DmaFence(this.#pool, this.#id);
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
