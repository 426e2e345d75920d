// SPDX-License-Identifier: MIT
import type { Errno } from "../error.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Tracepoint } from "../sim/tracepoint.ts";
import {
  dmaFenceDestroy,
  dmaFenceEnableSignal,
  dmaFenceInit,
  dmaFenceObserved,
  dmaFenceSignaled,
  dmaFenceSignaledAgain,
} from "./dma-fence-trace.ts";
import { type CallbackId, type FenceCallback, FenceCallbacks, type FenceId } from "./fence-callback.ts";
import { type FenceDriver, FenceDrivers } from "./fence-driver.ts";
import type { FenceOps } from "./fence-ops.ts";
import { FenceTable } from "./fence-table.ts";
import { emitLockMap } from "./lock-map.ts";
import { lockMapAcquire, lockMapRelease } from "./lock-trace.ts";

/** The state of a fence as sync_file prints it: active, signaled, or signaled with this error (F-8). */
export type FenceStatus = "active" | "signaled" | Errno;

// Once set, never cleared (F-2).
const SIGNALED = 1;
const ENABLE_SIGNAL = 2;

/** The class of all fences' locks. */
const FENCE_LOCK = "fence->lock";

/**
 * What fences are and go through (F-1 to F-14), as a structure of arrays: 40 bytes a fence, no
 * object. `FencePool` is the whole.
 *
 * References are counted, because what ends a fence's life is seen: the last put frees the slot, and with callbacks
 * still queued it is the kernel's WARN and -EDEADLK (F-24). A reference that is never put costs the slot and nothing else.
 */
export class FenceStates {
  /** The simulation it belongs to. */
  readonly simulation: Simulation;
  readonly #table = new FenceTable();
  readonly #callbacks = new FenceCallbacks();
  readonly #drivers: FenceDrivers;
  readonly #errors: (Errno | null)[] = [null];
  /** The fence whose lock is held: its callbacks or its enable_signaling are running. */
  #locked: FenceId | -1 = -1;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
    this.#drivers = new FenceDrivers(simulation.trace, simulation.diagnostics);
  }

  /** Number of fences with references. */
  get live(): number {
    return this.#table.live;
  }

  /**
   * Makes a pending fence with one reference (F-1). BUG without operations or names. `seqno` is a whole number below
   * 2^53; within a context fences must signal in its order (F-20). @see dma_fence_init
   */
  init(ops: FenceOps, context: number, seqno: number): FenceId {
    const fence = this.#table.take(this.#drivers.indexOf(ops), context, seqno);
    this.emit(dmaFenceInit, fence);
    return fence;
  }

  /** Takes another reference. @see dma_fence_get */
  get(fence: FenceId): FenceId {
    this.#table.setReferences(fence, this.#table.references(fence) + 1);
    return fence;
  }

  /** Gives a reference back; the last one frees the fence (F-24). @see dma_fence_put */
  put(fence: FenceId): void {
    const references = this.#table.references(fence) - 1;
    if (references < 0) this.#bug("F-24", "dma_fence_put", "reference put that was never taken");
    this.#table.setReferences(fence, references);
    if (references === 0) this.#release(fence);
  }

  /** Number of references. */
  references(fence: FenceId): number {
    return this.#table.references(fence);
  }

  /** Which use of the slot this is; a handle from an earlier one is stale. */
  generation(fence: FenceId): number {
    return this.#table.generation(fence);
  }

  /**
   * Signals the fence now and runs its callbacks in the order of their addition, each exactly once (F-3). False, and
   * nothing happens, when it was signaled before: the kernel's -EINVAL. Works in atomic context. @see dma_fence_signal
   */
  signal(fence: FenceId): boolean {
    return this.signalTimestamp(fence, this.simulation.now);
  }

  /** As `signal`, with the time (ns) at which the work was done (F-4). @see dma_fence_signal_timestamp */
  signalTimestamp(fence: FenceId, time: number): boolean {
    if ((this.#table.flags(fence) & SIGNALED) !== 0) {
      this.emit(dmaFenceSignaledAgain, fence);
      return false;
    }
    if (this.#locked === fence) this.#bug("F-10", "dma_fence_signal", "the fence's own lock is held");
    this.#signalLocked(fence, time);
    return true;
  }

  /**
   * The error that the fence will signal with; its status stays active until then. WARN when it is signaled already
   * (F-6), but it is stored all the same. @see dma_fence_set_error
   */
  setError(fence: FenceId, error: Errno): void {
    if ((this.#table.flags(fence) & SIGNALED) !== 0) {
      this.#warn("F-6", "dma_fence_set_error", `error ${error} set after ${this.describe(fence)}`);
    }
    let index = this.#errors.indexOf(error);
    if (index < 0) index = this.#errors.push(error) - 1;
    this.#table.setError(fence, index);
  }

  /** Whether it has signaled; asks the driver when not, and signals the fence when it says so (F-7). */
  isSignaled(fence: FenceId): boolean {
    if ((this.#table.flags(fence) & SIGNALED) !== 0) return true;
    const { ops } = this.#driver(fence);
    if (ops.signaled === undefined || !ops.signaled(fence)) return false;
    this.signal(fence);
    return true;
  }

  /** Active, signaled, or the error it signaled with (F-8). @see dma_fence_get_status */
  status(fence: FenceId): FenceStatus {
    if (!this.isSignaled(fence)) return "active";
    return this.error(fence) ?? "signaled";
  }

  /** The error set on it, or null, signaled or not. */
  error(fence: FenceId): Errno | null {
    return this.#errors[this.#table.error(fence)] ?? null;
  }

  /** When it signaled, in ns; WARN and the current time when it has not (F-9). @see dma_fence_timestamp */
  timestamp(fence: FenceId): number {
    if ((this.#table.flags(fence) & SIGNALED) !== 0) return this.#table.timestamp(fence);
    this.#warn("F-9", "dma_fence_timestamp", `asked of the pending fence ${this.describe(fence)}`);
    return this.simulation.now;
  }

  /** Makes the driver see to the signal, as a wait does (F-10, F-14). @see dma_fence_enable_sw_signaling */
  enableSignaling(fence: FenceId): void {
    this.#enable(fence);
  }

  /**
   * Has `callback(fence, data)` run when the fence signals. Null, and it will never run, when the fence has signaled
   * or does so because of this call: the kernel's -ENOENT (F-11). @see dma_fence_add_callback
   */
  addCallback(fence: FenceId, callback: FenceCallback, data = 0): CallbackId | null {
    if (!this.#enable(fence)) {
      this.emitObserved(fence);
      return null;
    }
    const callbacks = this.#callbacks;
    const first = this.#table.first(fence);
    const slot = callbacks.append(first, fence, callback, data);
    if (first < 0) this.#table.setFirst(fence, slot);
    return callbacks.idOf(slot);
  }

  /** Takes a callback back; true exactly when it was still queued and so will never run (F-13). */
  removeCallback(fence: FenceId, id: CallbackId): boolean {
    if (this.#locked === fence) {
      this.#warn("F-12", "dma_fence_remove_callback", `called from a callback of ${this.describe(fence)}`);
    }
    const slot = this.#callbacks.find(id, fence);
    if (slot < 0) return false;
    this.#table.setFirst(fence, this.#callbacks.remove(slot, this.#table.first(fence)));
    return true;
  }

  /** Its context number. */
  context(fence: FenceId): number {
    return this.#table.context(fence);
  }

  /** Its sequence number. */
  seqno(fence: FenceId): number {
    return this.#table.seqno(fence);
  }

  /** What its driver said about it. */
  ops(fence: FenceId): FenceOps {
    return this.#driver(fence).ops;
  }

  /** A number of its driver's, whatever was there before until it sets one. */
  data(fence: FenceId): number {
    return this.#table.data(fence);
  }

  /** Keeps a number of its driver's with the fence: a whole one below 2^31. */
  setData(fence: FenceId, data: number): void {
    this.#table.setData(fence, data);
  }

  /** Writes that somebody saw it signaled and goes on because of it. */
  emitObserved(fence: FenceId): void {
    this.simulation.trace.emit(dmaFenceObserved, this.context(fence), this.seqno(fence));
  }

  /** As the kernel prints it: driver, timeline, seq and whether it has signaled (F-29). @see dma_fence_describe */
  describe(fence: FenceId): string {
    const { driverName, timelineName } = this.ops(fence);
    const state = this.hasSignaled(fence) ? "signalled" : "unsignalled";
    return `${driverName} ${timelineName} seq ${this.seqno(fence)} ${state}`;
  }

  /** Whether it has signaled, without asking the driver. */
  hasSignaled(fence: FenceId): boolean {
    return (this.#table.flags(fence) & SIGNALED) !== 0;
  }

  /** Whether its driver was told to see to the signal (F-10). */
  isSignalingEnabled(fence: FenceId): boolean {
    return (this.#table.flags(fence) & ENABLE_SIGNAL) !== 0;
  }

  #driver(fence: FenceId): FenceDriver {
    return this.#drivers.at(this.#table.driver(fence));
  }

  /** Enables signaling once; false when the fence has signaled, maybe just now (F-10). */
  #enable(fence: FenceId): boolean {
    const flags = this.#table.flags(fence);
    if (flags !== 0) return (flags & SIGNALED) === 0;
    this.#table.setFlags(fence, ENABLE_SIGNAL);
    return !this.#driver(fence).enables || this.#enableDriver(fence);
  }

  #enableDriver(fence: FenceId): boolean {
    this.emit(dmaFenceEnableSignal, fence);
    const locked = this.#locked;
    this.#locked = fence;
    let armed: boolean;
    try {
      armed = this.ops(fence).enableSignaling?.(fence) ?? true;
    } finally {
      this.#locked = locked;
    }
    if (!armed) this.#signalLocked(fence, this.simulation.now);
    return armed;
  }

  // This, and what it calls, is short on purpose: the engine inlines it into the loops that signal many fences.
  #signalLocked(fence: FenceId, time: number): void {
    const table = this.#table;
    if (this.simulation.trace.wants(lockMapAcquire) && table.first(fence) >= 0) {
      this.#signalWatched(fence, time);
      return;
    }
    table.setFlags(fence, SIGNALED);
    table.setTimestamp(fence, time);
    this.emit(dmaFenceSignaled, fence);
    const first = table.first(fence);
    if (first >= 0) this.#runCallbacks(fence, first);
  }

  /** The lock checker sees what a callback may not do, also where a task signals (F-12). */
  #signalWatched(fence: FenceId, time: number): void {
    const { simulation } = this;
    emitLockMap(simulation, FENCE_LOCK, 0, true);
    this.#table.setFlags(fence, SIGNALED);
    this.#table.setTimestamp(fence, time);
    this.emit(dmaFenceSignaled, fence);
    try {
      const first = this.#table.first(fence);
      if (first >= 0) this.#runCallbacks(fence, first);
    } finally {
      simulation.trace.emit(lockMapRelease, simulation.trace.intern(FENCE_LOCK));
    }
  }

  #runCallbacks(fence: FenceId, first: number): void {
    const callbacks = this.#callbacks;
    const locked = this.#locked;
    this.#locked = fence;
    try {
      if (callbacks.isAlone(first)) callbacks.runAlone(this.#table, fence, first);
      else this.#runAll(fence);
    } finally {
      this.#locked = locked;
    }
  }

  #runAll(fence: FenceId): void {
    // A callback may put the last reference (F-12): the slot must last until the list is empty.
    this.get(fence);
    this.#callbacks.run(this.#table, fence);
    this.put(fence);
  }

  #release(fence: FenceId): void {
    this.emit(dmaFenceDestroy, fence);
    if (this.#table.first(fence) >= 0) this.#releaseQueued(fence);
    if (this.#driver(fence).releases) this.ops(fence).release?.(fence);
    // A callback that puts the last reference ends the section as well.
    if (this.#locked === fence) this.#locked = -1;
    this.#table.release(fence);
  }

  #releaseQueued(fence: FenceId): void {
    this.#warn("F-24", "dma_fence_release", `${this.describe(fence)} freed with callbacks queued`);
    this.setError(fence, "EDEADLK");
    this.#table.setReferences(fence, 1);
    this.#signalLocked(fence, this.simulation.now);
    this.#table.setReferences(fence, 0);
  }

  /** Writes one of the `dma_fence` events. */
  emit(point: Tracepoint<typeof dmaFenceInit.fields>, fence: FenceId): void {
    if (this.simulation.trace.wants(point)) this.#write(point, fence);
  }

  #write(point: Tracepoint<typeof dmaFenceInit.fields>, fence: FenceId): void {
    const { driver, timeline } = this.#driver(fence);
    this.simulation.trace.emit(point, driver, timeline, this.#table.context(fence), this.#table.seqno(fence));
  }

  #bug(rule: string, operation: string, text: string): never {
    this.simulation.diagnostics.bug(rule, operation, text);
  }

  #warn(rule: string, operation: string, text: string): void {
    this.simulation.diagnostics.warn(rule, operation, text);
  }
}
