// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { BlockOptions } from "../sim/block.ts";
import type { Process, Waitable } from "../sim/process.ts";
import { dmaFenceWaitEnd, dmaFenceWaitStart } from "./dma-fence-trace.ts";
import type { CallbackId, FenceId } from "./fence-callback.ts";
import type { FencePool } from "./fence-pool.ts";
import { mightWait } from "./signalling.ts";

/** How a wait for any of several fences ended. */
export interface AnyWait {
  /** What is left of the timeout in ns, always more than 0, or 0 when it passed first. */
  readonly left: number;
  /** Which fence has signaled: its place in the list, or -1. */
  readonly index: number;
}

/** Tasks that wait for fences, for the deadlock report. */
class FenceWait implements Waitable {
  readonly #pool: FencePool;
  /** What would end the wait. */
  readonly fences: readonly FenceId[];

  constructor(pool: FencePool, fences: readonly FenceId[]) {
    this.#pool = pool;
    this.fences = fences;
  }

  describe(): string {
    const names = this.fences.map((fence) => this.#pool.describe(fence));
    return names.length === 1 ? `fence ${names[0]}` : `any of the fences ${names.join(", ")}`;
  }
}

/** What `FencePool.wait` does: the default wait (F-15, F-16). @see dma_fence_wait_timeout */
export function* waitFor(pool: FencePool, fence: FenceId, options: BlockOptions): Process<number> {
  const timeout = checkedTimeout(pool, "dma_fence_wait_timeout", options);
  pool.get(fence);
  pool.enableSignaling(fence);
  pool.emit(dmaFenceWaitStart, fence);
  try {
    return yield* defaultWait(pool, fence, timeout, options.interruptible ?? false);
  } finally {
    pool.emit(dmaFenceWaitEnd, fence);
    pool.put(fence);
  }
}

function* defaultWait(
  pool: FencePool,
  fence: FenceId,
  timeout: number,
  interruptible: boolean,
): Process<number> {
  const { simulation } = pool;
  const deadline = simulation.now + timeout;
  if (!pool.hasSignaled(fence)) {
    const task = simulation.running("dma_fence_wait");
    const callback = pool.addCallback(fence, () => simulation.wake(task)) as CallbackId;
    const waitable = new FenceWait(pool, [fence]);
    while (!pool.hasSignaled(fence)) {
      const wakeup = yield* simulation.block(waitable, {
        timeout: deadline - simulation.now,
        interruptible,
      });
      if (wakeup === "woken") continue;
      pool.removeCallback(fence, callback);
      if (wakeup === "timed-out") return 0;
      throw new KernelError("EINTR", "dma_fence_wait_timeout", `interrupted: ${pool.describe(fence)}`);
    }
  }
  return Math.max(1, deadline - simulation.now);
}

/** What `FencePool.waitAny` does (F-18). @see dma_fence_wait_any_timeout */
export function* waitAny(
  pool: FencePool,
  fences: readonly FenceId[],
  options: BlockOptions,
): Process<AnyWait> {
  const operation = "dma_fence_wait_any_timeout";
  const { simulation } = pool;
  const timeout = checkedTimeout(pool, operation, options);
  if (fences.length === 0) {
    simulation.diagnostics.warn("F-18", operation, "no fences to wait for");
    throw new KernelError("EINVAL", operation, "no fences to wait for");
  }
  if (timeout === 0) {
    const index = fences.findIndex((fence) => pool.isSignaled(fence));
    return { left: index < 0 ? 0 : 1, index };
  }
  const deadline = simulation.now + timeout;
  const task = simulation.running(operation);
  for (const fence of fences) {
    pool.get(fence);
    pool.emit(dmaFenceWaitStart, fence);
  }
  const callbacks: CallbackId[] = [];
  try {
    for (const [index, fence] of fences.entries()) {
      const callback = pool.addCallback(fence, () => simulation.wake(task));
      if (callback === null) return { left: Math.max(1, deadline - simulation.now), index };
      callbacks.push(callback);
    }
    const waitable = new FenceWait(pool, fences);
    for (;;) {
      const wakeup = yield* simulation.block(waitable, {
        timeout: deadline - simulation.now,
        interruptible: options.interruptible ?? false,
      });
      const index = fences.findIndex((fence) => pool.hasSignaled(fence));
      if (index >= 0) return { left: Math.max(1, deadline - simulation.now), index };
      if (wakeup === "timed-out") return { left: 0, index: -1 };
      if (wakeup === "interrupted")
        throw new KernelError("EINTR", operation, `interrupted: ${waitable.describe()}`);
    }
  } finally {
    for (const [i, callback] of callbacks.entries()) pool.removeCallback(fences[i] as FenceId, callback);
    for (const fence of fences) {
      pool.emit(dmaFenceWaitEnd, fence);
      pool.put(fence);
    }
  }
}

/** What `FencePool.waitAll` does: one wait after the other with what is left. */
export function* waitAll(
  pool: FencePool,
  fences: readonly FenceId[],
  options: BlockOptions,
): Process<number> {
  const { simulation } = pool;
  const timeout = checkedTimeout(pool, "dma_fence_wait_timeout", options);
  const deadline = simulation.now + timeout;
  for (const fence of fences) pool.get(fence);
  try {
    for (const fence of fences) {
      const left = Math.max(0, deadline - simulation.now);
      if ((yield* waitFor(pool, fence, { ...options, timeout: left })) === 0) return 0;
    }
    return Math.max(1, deadline - simulation.now);
  } finally {
    for (const fence of fences) pool.put(fence);
  }
}

/** The timeout; also where the lock checker hears of the wait, however short it is (F-15). */
function checkedTimeout(pool: FencePool, operation: string, options: BlockOptions): number {
  const { timeout = Number.POSITIVE_INFINITY } = options;
  if (timeout >= 0) {
    mightWait(pool.simulation);
    return timeout;
  }
  pool.simulation.diagnostics.warn("F-15", operation, "negative timeout");
  throw new KernelError("EINVAL", operation, `timeout ${timeout} ns is negative`);
}
