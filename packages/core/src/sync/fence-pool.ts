// SPDX-License-Identifier: MIT

import type { BlockOptions } from "../sim/block.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { FenceArrays } from "./fence-arrays.ts";
import type { FenceId } from "./fence-callback.ts";
import { FenceChains } from "./fence-chains.ts";
import type { FenceOps } from "./fence-ops.ts";
import { FenceStates } from "./fence-state.ts";
import { type AnyWait, waitAll, waitAny, waitFor } from "./fence-wait.ts";
import { IrqWork } from "./irq-work.ts";

/** What the kernel calls the driver and the timeline of a signaled fence from 6.17 on (F-26). */
const FORGOTTEN = { driver: "detached-driver", timeline: "signaled-timeline" } as const;

/** What a pool does as the running kernel does it. */
export interface FencePoolOptions {
  /** Whether the names of driver and timeline go with the signal, as from 6.17 on (F-26); default no. */
  readonly namesEndAtSignal?: boolean;
}

/**
 * The fences of a simulation. Here a fence is an index; `DmaFence` is the handle for everybody who has few of them.
 *
 * Not modelled: RCU grace periods (F-24), modules that go while their signaled fences stay (F-26).
 */
export class FencePool extends FenceStates {
  /** Its arrays; make them with `DmaFenceArray`. */
  readonly arrays: FenceArrays = new FenceArrays(this);
  /** Its chain nodes; make them with `DmaFenceChain`. */
  readonly chains: FenceChains = new FenceChains(this);
  /** What callbacks of containers leave for later. */
  readonly irqWork: IrqWork;
  readonly #namesEndAtSignal: boolean;
  #nextContext = 1;
  #stub: FenceId | -1 = -1;

  constructor(simulation: Simulation, options: FencePoolOptions = {}) {
    super(simulation);
    this.irqWork = new IrqWork(simulation);
    this.#namesEndAtSignal = options.namesEndAtSignal ?? false;
  }

  /** The first of `count` consecutive context numbers; the first ever is 1 (F-20). @see dma_fence_context_alloc */
  contextAlloc(count = 1): number {
    if (count < 1)
      this.simulation.diagnostics.warn("F-20", "dma_fence_context_alloc", "no context asked for");
    const first = this.#nextContext;
    this.#nextContext += count;
    return first;
  }

  /**
   * Waits for the signal. Returns what is left of the timeout in ns, always more than 0 (1 when the timeout was 0), or 0
   * when the timeout passed first (F-16); `Infinity` without one. Throws `KernelError` EINTR for a signal in an
   * interruptible wait, EINVAL (and a WARN) for a negative timeout (F-15). @see dma_fence_wait_timeout
   */
  wait(fence: FenceId, options: BlockOptions = {}): Process<number> {
    return this.simulation.process("dma_fence_wait", waitFor(this, fence, options));
  }

  /**
   * Waits for the first of several to signal (F-18): which one, and what is left of the timeout as `wait` has it. With a
   * timeout of 0 it only asks. Throws `KernelError` EINVAL (and a WARN) for no fences and a negative timeout, EINTR for
   * a signal in an interruptible wait. @see dma_fence_wait_any_timeout
   */
  waitAny(fences: readonly FenceId[], options: BlockOptions = {}): Process<AnyWait> {
    return this.simulation.process("dma_fence_wait_any", waitAny(this, fences, options));
  }

  /** Waits for each of several within one timeout: what is left of it, as `wait` has it, or 0. */
  waitAll(fences: readonly FenceId[], options: BlockOptions = {}): Process<number> {
    return this.simulation.process("dma_fence_wait_all", waitAll(this, fences, options));
  }

  /** Tells the driver when it should be done, in ns of virtual time; a hint and no more (F-28). @see dma_fence_set_deadline */
  setDeadline(fence: FenceId, time: number): void {
    const ops = this.ops(fence);
    if (ops.setDeadline !== undefined && !this.isSignaled(fence)) ops.setDeadline(fence, time);
  }

  /** What the running kernel calls its driver (F-26). @see dma_fence_driver_name */
  driverName(fence: FenceId): string {
    return this.#forgotten(fence) ? FORGOTTEN.driver : this.ops(fence).driverName;
  }

  /** What the running kernel calls its timeline (F-26). @see dma_fence_timeline_name */
  timelineName(fence: FenceId): string {
    return this.#forgotten(fence) ? FORGOTTEN.timeline : this.ops(fence).timelineName;
  }

  #forgotten(fence: FenceId): boolean {
    return this.#namesEndAtSignal && this.hasSignaled(fence);
  }

  /** Whether it is an array or a chain. @see dma_fence_is_container */
  isContainer(fence: FenceId): boolean {
    return this.arrays.has(fence) || this.chains.has(fence);
  }

  /** Whether it belongs to a context: of an array all members must (F-23). @see dma_fence_match_context */
  matchContext(fence: FenceId, context: number): boolean {
    const { arrays } = this;
    if (!arrays.has(fence)) return this.context(fence) === context;
    for (let i = 0; i < arrays.count(fence); i++) {
      if (this.context(arrays.member(fence, i)) !== context) return false;
    }
    return true;
  }

  /**
   * Whether `fence` comes after `other` in their context: the signed 32-bit difference of the seqnos, which wraps, or
   * the whole numbers with `seqno64` (F-21). WARN and false for different contexts. @see dma_fence_is_later
   */
  isLater(fence: FenceId, other: FenceId): boolean {
    if (this.context(fence) !== this.context(other)) {
      this.#warnUnordered("dma_fence_is_later", fence, other);
      return false;
    }
    const seqno = this.seqno(fence);
    const otherSeqno = this.seqno(other);
    if (this.ops(fence).seqno64 === true) return seqno > otherSeqno;
    return (((seqno | 0) - (otherSeqno | 0)) | 0) > 0;
  }

  /** The same fence or a later one; two fences with one seqno are neither (F-22). */
  isLaterOrSame(fence: FenceId, other: FenceId): boolean {
    return fence === other || this.isLater(fence, other);
  }

  /** The later one of a context, or null when that has signaled (F-22). WARN and null for different contexts. @see dma_fence_later */
  later(fence: FenceId, other: FenceId): FenceId | null {
    if (this.context(fence) !== this.context(other)) {
      this.#warnUnordered("dma_fence_later", fence, other);
      return null;
    }
    const later = this.isLater(fence, other) ? fence : other;
    return this.isSignaled(later) ? null : later;
  }

  /** The shared fence that was signaled from the start, with a reference (F-27). @see dma_fence_get_stub */
  stub(): FenceId {
    if (this.#stub < 0) this.#stub = this.privateStub(this.simulation.now);
    return this.get(this.#stub as FenceId);
  }

  /** A stub of one's own that signaled at `time` ns (F-27). @see dma_fence_allocate_private_stub */
  privateStub(time: number): FenceId {
    const stub = this.init(stubOps, 0, 0);
    this.signalTimestamp(stub, time);
    return stub;
  }

  #warnUnordered(operation: string, fence: FenceId, other: FenceId): void {
    const text = `${this.describe(fence)} and ${this.describe(other)} have no order`;
    this.simulation.diagnostics.warn("F-21", operation, text);
  }
}

const stubOps: FenceOps = { driverName: "stub", timelineName: "stub" };
