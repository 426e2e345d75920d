// SPDX-License-Identifier: MIT
import type { Simulation } from "../sim/simulation.ts";
import type { StringId } from "../sim/tracepoint.ts";
import { emitLockMap } from "./lock-map.ts";
import { LockFlag, lockMapAcquire, lockMapRelease } from "./lock-trace.ts";

/** The class that waiting for fences takes, and signalling them shares (F-30). */
const FENCE_MAP = "dma_fence_map";

/** The timelines that are in a signalling section; kept while somebody listens. */
const signalling = new WeakMap<Simulation, Set<number>>();

/** What `beginSignalling` answers when there is nothing for `endSignalling` to end. */
export type SignallingCookie = boolean;

/**
 * Begins a signalling section: everything from here to `endSignalling` must be done before a published fence can signal.
 * In it, neither a reservation lock nor an allocation that can reclaim nor a wait for a fence may happen (F-30, F-31); the
 * lock checker finds what does, however deep it is called. It has no other effect. The cookie is true, and nothing
 * more is noted, inside another section and in atomic context, where nothing of that is possible anyway.
 * @see dma_fence_begin_signalling
 */
export function beginSignalling(simulation: Simulation): SignallingCookie {
  const { trace } = simulation;
  if (!trace.wants(lockMapAcquire) || simulation.atomic) return true;
  let timelines = signalling.get(simulation);
  if (timelines === undefined) {
    timelines = new Set();
    signalling.set(simulation, timelines);
  }
  if (timelines.has(trace.timeline)) return true;
  timelines.add(trace.timeline);
  emitLockMap(simulation, FENCE_MAP, LockFlag.read, true);
  return false;
}

/** Ends the section whose begin returned `cookie` (F-30). @see dma_fence_end_signalling */
export function endSignalling(simulation: Simulation, cookie: SignallingCookie): void {
  if (cookie) return;
  const { trace } = simulation;
  signalling.get(simulation)?.delete(trace.timeline);
  if (trace.wants(lockMapRelease)) trace.emit(lockMapRelease, trace.intern(FENCE_MAP));
}

/**
 * Says that a fence may be waited for here, whatever its state now and however short the timeout (F-15). `object` is
 * what is waited for, when that has a name. @see __dma_fence_might_wait
 */
export function mightWait(simulation: Simulation, object?: StringId): void {
  emitLockMap(simulation, FENCE_MAP, 0, false, object);
}

/**
 * How an allocation may get its memory: `kernel` may write pages back and call into drivers; `nofs` may not, and still
 * can hit an MMU notifier (L-16). One that never reclaims (`GFP_ATOMIC`) is not said at all (F-32).
 */
export type Reclaim = "kernel" | "nofs";

/**
 * Says that memory is allocated here in a way that may reclaim (L-6): whether it does depends on how much is left, so a
 * test seldom sees it. Exporters say it where they allocate. @see might_alloc
 */
export function mightReclaim(simulation: Simulation, how: Reclaim = "kernel"): void {
  if (!simulation.trace.wants(lockMapAcquire)) return;
  if (how === "kernel") emitLockMap(simulation, "fs_reclaim", 0, false);
  emitLockMap(simulation, "mmu_notifier_invalidate_range_start", 0, false);
}
