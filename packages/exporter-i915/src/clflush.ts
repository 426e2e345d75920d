// SPDX-License-Identifier: MIT
import { type Extents, KernelError, type Process } from "@dmabuf/core";
import { beginSignalling, DmaFence, endSignalling } from "@dmabuf/core/sync";
import type { I915Object } from "./i915-object.ts";
import { objectClflush } from "./i915-trace.ts";

/** How to flush an object. */
export interface ClflushOptions {
  /** Also what the GPU would see without, because the display would not. @see I915_CLFLUSH_FORCE */
  readonly force?: boolean;
  /** Here and now, instead of in a work item. @see I915_CLFLUSH_SYNC */
  readonly sync?: boolean;
}

const fenceOps = { driverName: "i915", timelineName: "clflush" };

/**
 * Flushes an object out of the CPU's caches, if that makes a difference for the GPU (N-5); the reservation must be held.
 * Returns whether it flushes. Unless `sync`, a work item does it when all fences have signaled, and publishes its own as a
 * kernel fence. @see i915_gem_clflush_object
 */
export function* clflush(
  object: I915Object,
  { force = false, sync = false }: ClflushOptions,
): Process<boolean> {
  const { driver, resv, coherency } = object;
  const { simulation, cpu } = driver.services;
  resv.assertHeld("N-5", "i915_gem_clflush_object");
  if (driver.machine.discrete) return false;
  if (!object.backing.structPages) {
    object.cacheDirty = false;
    return false;
  }
  if (coherency.read && !force) return false;
  const event = simulation.trace.emit(objectClflush, object.id);
  const pages = sync ? null : yield* pinned(object);
  if (pages !== null) queueFlush(object, pages, event);
  else {
    // Without pages nothing of it can be in a cache, and what they hold later is flushed when they are acquired.
    const { extents } = object.pages;
    if (extents === null) return true;
    cpu.flushRange(extents, event);
    yield* cpu.settle();
  }
  object.cacheDirty = false;
  return true;
}

/** The pages, pinned for the work item, or null when they cannot be had. */
function* pinned(object: I915Object): Process<Extents | null> {
  try {
    return yield* object.pages.pin();
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

/** Publishes a fence, and flushes when all that were there before have signaled. @see clflush_work_create */
function queueFlush(object: I915Object, pages: Extents, event: number): void {
  const { driver, resv } = object;
  const { dmaBuf, simulation, cpu } = driver.services;
  // A context of its own: flushes of different objects end in any order.
  const fence = DmaFence.init(dmaBuf.fences, fenceOps, dmaBuf.fences.contextAlloc(), 1);
  const before = resv.getFences("read");
  resv.reserveFences(1);
  resv.addFence(fence, "kernel");
  object.get();
  const work = function* (): Process {
    const cookie = beginSignalling(simulation);
    cpu.flushRange(pages, event);
    yield* cpu.settle();
    fence.signal();
    endSignalling(simulation, cookie);
    fence.put();
    object.pages.unpin();
    yield* object.put();
  };
  afterAll(before, () => driver.worker.queue(work));
}

/** Calls `then` when every fence has signaled, and gives the references back. @see i915_sw_fence_await_reservation */
function afterAll(fences: readonly DmaFence[], then: () => void): void {
  let pending = fences.length;
  const signaled = (fence: DmaFence): void => {
    fence.put();
    if (--pending === 0) then();
  };
  if (pending === 0) then();
  for (const fence of fences) if (fence.addCallback(signaled) === null) signaled(fence);
}
