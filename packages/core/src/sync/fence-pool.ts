// SPDX-License-Identifier: MIT
import { type Errno, KernelError } from "../error.ts";
import type { Process, Waitable } from "../sim/process.ts";
import type { BlockOptions, Simulation } from "../sim/simulation.ts";
import type { StringId, Tracepoint } from "../sim/tracepoint.ts";
import {
  dmaFenceDestroy,
  dmaFenceEnableSignal,
  dmaFenceInit,
  dmaFenceSignaled,
  dmaFenceWaitEnd,
  dmaFenceWaitStart,
} from "./dma-fence-trace.ts";
import { type CallbackId, type FenceCallback, FenceCallbacks, type FenceId } from "./fence-callback.ts";
import type { FenceOps } from "./fence-ops.ts";
import { FenceTable } from "./fence-table.ts";

/** The state of a fence as sync_file prints it: active, signaled, or signaled with this error (F-8). */
export type FenceStatus = "active" | "signaled" | Errno;

// Once set, never cleared (F-2).
const SIGNALED = 1;
const ENABLE_SIGNAL = 2;
const SEQNO64 = 4;

/** One driver timeline's operations, all of one shape so that calling them stays cheap. */
interface OpsEntry {
  readonly ops: FenceOps;
  readonly driver: StringId;
  readonly timeline: StringId;
  readonly flags: number;
}

/** A task that waits for a fence, for the deadlock report. */
class FenceWait implements Waitable {
  readonly #pool: FencePool;
  readonly #fence: FenceId;

  constructor(pool: FencePool, fence: FenceId) {
    this.#pool = pool;
    this.#fence = fence;
  }

  describe(): string {
    return `fence ${this.#pool.describe(this.#fence)}`;
  }
}

/**
 * The fences of a simulation as a structure of arrays: 36 bytes a fence, no object. Here a fence is an index; `DmaFence`
 * is the handle for everybody who has few of them.
 *
 * References are counted, because what ends a fence's life is seen: the last put frees the slot, and with callbacks
 * still queued it is the kernel's WARN and -EDEADLK (F-24). A reference that is never put costs the slot and nothing else.
 *
 * Not modelled: waits for any of several (F-18), name lifetimes and RCU grace periods (F-24..F-26), deadline hints (F-28),
 * signalling sections (F-5, F-30..F-33), and containers: arrays and chains (F-35..F-49).
 */
export class FencePool {
  /** The simulation it belongs to. */
  readonly simulation: Simulation;
  readonly #table = new FenceTable();
  readonly #callbacks = new FenceCallbacks();
  readonly #entries: OpsEntry[] = [];
  readonly #entryOf = new Map<FenceOps, number>();
  readonly #errors: (Errno | null)[] = [null];
  #nextContext = 1;
  #stub: FenceId | -1 = -1;
  #lastOps: FenceOps | undefined;
  #lastEntry = -1;
  /** The fence whose lock is held: its callbacks or its enable_signaling are running. */
  #locked: FenceId | -1 = -1;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  /** Number of fences with references. */
  get live(): number {
    return this.#table.live;
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
   * Makes a pending fence with one reference (F-1). BUG without operations or names. `seqno` is a whole number below
   * 2^53; within a context fences must signal in its order (F-20). @see dma_fence_init
   */
  init(ops: FenceOps, context: number, seqno: number): FenceId {
    const entry = ops === this.#lastOps ? this.#lastEntry : this.#entryFor(ops);
    const table = this.#table;
    const fence = table.take();
    table.flags[fence] = (this.#entries[entry] as OpsEntry).flags;
    table.errors[fence] = 0;
    table.ops[fence] = entry;
    table.contexts[fence] = context;
    table.seqnos[fence] = seqno;
    table.timestamps[fence] = 0;
    table.first[fence] = -1;
    table.references[fence] = 1;
    this.#emit(dmaFenceInit, fence);
    return fence;
  }

  /** Takes another reference. @see dma_fence_get */
  get(fence: FenceId): FenceId {
    this.#table.references[fence] = (this.#table.references[fence] as number) + 1;
    return fence;
  }

  /** Gives a reference back; the last one frees the fence (F-24). @see dma_fence_put */
  put(fence: FenceId): void {
    const references = (this.#table.references[fence] as number) - 1;
    if (references < 0)
      this.simulation.diagnostics.bug("F-24", "dma_fence_put", "reference put that was never taken");
    this.#table.references[fence] = references;
    if (references === 0) this.#release(fence);
  }

  /** Number of references. */
  references(fence: FenceId): number {
    return this.#table.references[fence] as number;
  }

  /** Which use of the slot this is; a handle from an earlier one is stale. */
  generation(fence: FenceId): number {
    return this.#table.generations[fence] as number;
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
    if (((this.#table.flags[fence] as number) & SIGNALED) !== 0) return false;
    if (this.#locked === fence)
      this.simulation.diagnostics.bug("F-10", "dma_fence_signal", "the fence's own lock is held");
    this.#signalLocked(fence, time);
    return true;
  }

  /**
   * The error that the fence will signal with; its status stays active until then. WARN when it is signaled already
   * (F-6), but it is stored all the same. @see dma_fence_set_error
   */
  setError(fence: FenceId, error: Errno): void {
    if (((this.#table.flags[fence] as number) & SIGNALED) !== 0) {
      this.#warn("F-6", "dma_fence_set_error", `error ${error} set after ${this.describe(fence)}`);
    }
    let index = this.#errors.indexOf(error);
    if (index < 0) index = this.#errors.push(error) - 1;
    this.#table.errors[fence] = index;
  }

  /** Whether it has signaled; asks the driver when not, and signals the fence when it says so (F-7). */
  isSignaled(fence: FenceId): boolean {
    if (((this.#table.flags[fence] as number) & SIGNALED) !== 0) return true;
    const { ops } = this.#entry(fence);
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
    return this.#errors[this.#table.errors[fence] as number] ?? null;
  }

  /** When it signaled, in ns; WARN and the current time when it has not (F-9). @see dma_fence_timestamp */
  timestamp(fence: FenceId): number {
    if (((this.#table.flags[fence] as number) & SIGNALED) !== 0)
      return this.#table.timestamps[fence] as number;
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
    if (!this.#enable(fence)) return null;
    const callbacks = this.#callbacks;
    const first = this.#table.first[fence] as number;
    const slot = callbacks.append(first, fence, callback, data);
    if (first < 0) this.#table.first[fence] = slot;
    return callbacks.idOf(slot);
  }

  /** Takes a callback back; true exactly when it was still queued and so will never run (F-13). */
  removeCallback(fence: FenceId, id: CallbackId): boolean {
    if (this.#locked === fence) {
      this.#warn("F-12", "dma_fence_remove_callback", `called from a callback of ${this.describe(fence)}`);
    }
    const slot = this.#callbacks.find(id, fence);
    if (slot < 0) return false;
    this.#table.first[fence] = this.#callbacks.remove(slot, this.#table.first[fence] as number);
    return true;
  }

  /**
   * Waits for the signal. Returns what is left of the timeout in ns, always more than 0 (1 when the timeout was 0), or 0
   * when the timeout passed first (F-16); `Infinity` without one. Throws `KernelError` EINTR for a signal in an
   * interruptible wait, EINVAL (and a WARN) for a negative timeout (F-15). @see dma_fence_wait_timeout
   */
  wait(fence: FenceId, options: BlockOptions = {}): Process<number> {
    return this.simulation.process("dma_fence_wait", this.#wait(fence, options));
  }

  *#wait(fence: FenceId, options: BlockOptions): Process<number> {
    const { timeout = Number.POSITIVE_INFINITY, interruptible = false } = options;
    if (!(timeout >= 0)) {
      this.#warn("F-15", "dma_fence_wait_timeout", "negative timeout");
      throw new KernelError("EINVAL", "dma_fence_wait_timeout", `timeout ${timeout} ns is negative`);
    }
    this.get(fence);
    this.#enable(fence);
    this.#emit(dmaFenceWaitStart, fence);
    try {
      return yield* this.#defaultWait(fence, timeout, interruptible);
    } finally {
      this.#emit(dmaFenceWaitEnd, fence);
      this.put(fence);
    }
  }

  *#defaultWait(fence: FenceId, timeout: number, interruptible: boolean): Process<number> {
    const { simulation } = this;
    const deadline = simulation.now + timeout;
    if (this.#pending(fence)) {
      const task = simulation.running("dma_fence_wait");
      const callback = this.addCallback(fence, () => simulation.wake(task)) as CallbackId;
      const waitable = new FenceWait(this, fence);
      while (this.#pending(fence)) {
        const wakeup = yield* simulation.block(waitable, {
          timeout: deadline - simulation.now,
          interruptible,
        });
        if (wakeup === "woken") continue;
        this.removeCallback(fence, callback);
        if (wakeup === "timed-out") return 0;
        throw new KernelError("EINTR", "dma_fence_wait_timeout", `interrupted: ${this.describe(fence)}`);
      }
    }
    return Math.max(1, deadline - simulation.now);
  }

  /** Its context number. */
  context(fence: FenceId): number {
    return this.#table.contexts[fence] as number;
  }

  /** Its sequence number. */
  seqno(fence: FenceId): number {
    return this.#table.seqnos[fence] as number;
  }

  /** What its driver said about it. */
  ops(fence: FenceId): FenceOps {
    return this.#entry(fence).ops;
  }

  /**
   * Whether `fence` comes after `other` in their context: the signed 32-bit difference of the seqnos, which wraps, or
   * the whole numbers with `seqno64` (F-21). WARN and false for different contexts. @see dma_fence_is_later
   */
  isLater(fence: FenceId, other: FenceId): boolean {
    if (this.#table.contexts[fence] !== this.#table.contexts[other]) {
      this.#warn(
        "F-21",
        "dma_fence_is_later",
        `${this.describe(fence)} and ${this.describe(other)} have no order`,
      );
      return false;
    }
    const seqno = this.#table.seqnos[fence] as number;
    const otherSeqno = this.#table.seqnos[other] as number;
    if (((this.#table.flags[fence] as number) & SEQNO64) !== 0) return seqno > otherSeqno;
    return (((seqno | 0) - (otherSeqno | 0)) | 0) > 0;
  }

  /** The same fence or a later one; two fences with one seqno are neither (F-22). */
  isLaterOrSame(fence: FenceId, other: FenceId): boolean {
    return fence === other || this.isLater(fence, other);
  }

  /** The shared fence that was signaled from the start, with a reference (F-27). @see dma_fence_get_stub */
  stub(): FenceId {
    if (this.#stub < 0) {
      this.#stub = this.init(stubOps, 0, 0);
      this.signal(this.#stub as FenceId);
    }
    return this.get(this.#stub as FenceId);
  }

  /** As the kernel prints it: driver, timeline, seq and whether it has signaled (F-29). @see dma_fence_describe */
  describe(fence: FenceId): string {
    const { driverName, timelineName } = this.ops(fence);
    const state = this.#pending(fence) ? "unsignalled" : "signalled";
    return `${driverName} ${timelineName} seq ${this.seqno(fence)} ${state}`;
  }

  #pending(fence: FenceId): boolean {
    return ((this.#table.flags[fence] as number) & SIGNALED) === 0;
  }

  #entry(fence: FenceId): OpsEntry {
    return this.#entries[this.#table.ops[fence] as number] as OpsEntry;
  }

  /** Enables signaling once; false when the fence has signaled, maybe just now (F-10). */
  #enable(fence: FenceId): boolean {
    const flags = this.#table.flags[fence] as number;
    if ((flags & SIGNALED) !== 0) return false;
    if ((flags & ENABLE_SIGNAL) !== 0) return true;
    this.#table.flags[fence] = flags | ENABLE_SIGNAL;
    const { ops } = this.#entry(fence);
    if (ops.enableSignaling === undefined) return true;
    this.#emit(dmaFenceEnableSignal, fence);
    const locked = this.#locked;
    this.#locked = fence;
    let armed: boolean;
    try {
      armed = ops.enableSignaling(fence);
    } finally {
      this.#locked = locked;
    }
    if (!armed) this.#signalLocked(fence, this.simulation.now);
    return armed;
  }

  #signalLocked(fence: FenceId, time: number): void {
    this.#table.flags[fence] = (this.#table.flags[fence] as number) | SIGNALED;
    this.#table.timestamps[fence] = time;
    this.#emit(dmaFenceSignaled, fence);
    if ((this.#table.first[fence] as number) < 0) return;
    const callbacks = this.#callbacks;
    const locked = this.#locked;
    // A callback may put the last reference (F-12): the slot must last until the list is empty.
    this.get(fence);
    this.#locked = fence;
    try {
      for (
        let slot = this.#table.first[fence] as number;
        slot >= 0;
        slot = this.#table.first[fence] as number
      ) {
        const callback = callbacks.functionAt(slot);
        const data = callbacks.dataAt(slot);
        this.#table.first[fence] = callbacks.remove(slot, slot);
        callback(fence, data);
      }
    } finally {
      this.#locked = locked;
    }
    this.put(fence);
  }

  #release(fence: FenceId): void {
    this.#emit(dmaFenceDestroy, fence);
    if (this.#pending(fence) && (this.#table.first[fence] as number) >= 0) {
      this.#warn("F-24", "dma_fence_release", `${this.describe(fence)} freed with callbacks queued`);
      this.setError(fence, "EDEADLK");
      this.#table.references[fence] = 1;
      this.#signalLocked(fence, this.simulation.now);
      this.#table.references[fence] = 0;
    }
    this.#entry(fence).ops.release?.(fence);
    this.#table.release(fence);
  }

  #entryFor(ops: FenceOps): number {
    let entry = this.#entryOf.get(ops);
    if (entry === undefined) {
      // An empty name is a name: FunctionFS has no other for its timelines.
      if (typeof ops?.driverName !== "string" || typeof ops.timelineName !== "string")
        this.simulation.diagnostics.bug("F-1", "dma_fence_init", "operations without names");
      const { trace } = this.simulation;
      const flags = ops.seqno64 === true ? SEQNO64 : 0;
      const [driver, timeline] = [trace.intern(ops.driverName), trace.intern(ops.timelineName)];
      entry = this.#entries.push({ ops, driver, timeline, flags }) - 1;
      this.#entryOf.set(ops, entry);
    }
    this.#lastOps = ops;
    this.#lastEntry = entry;
    return entry;
  }

  #emit(point: Tracepoint<typeof dmaFenceInit.fields>, fence: FenceId): void {
    const { trace } = this.simulation;
    if (!trace.wants(point)) return;
    const { driver, timeline } = this.#entry(fence);
    trace.emit(
      point,
      driver,
      timeline,
      this.#table.contexts[fence] as number,
      this.#table.seqnos[fence] as number,
    );
  }

  #warn(rule: string, operation: string, text: string): void {
    this.simulation.diagnostics.warn(rule, operation, text);
  }
}

const stubOps: FenceOps = { driverName: "stub", timelineName: "stub" };
