// SPDX-License-Identifier: MIT
import { DmaFence } from "./dma-fence.ts";
import type { FenceId } from "./fence-callback.ts";
import type { FencePool } from "./fence-pool.ts";

/**
 * Calls `visit` with the fences that a fence is made of: along a chain from the newest node back, in each node the
 * members of an array; a fence that is no container is its own (F-47). Signaled nodes behind the first are dropped on
 * the way (F-43). @see dma_fence_unwrap_for_each
 */
export function forEachUnwrapped(pool: FencePool, fence: FenceId, visit: (leaf: FenceId) => void): void {
  const { arrays, chains } = pool;
  for (let link: FenceId | -1 = pool.get(fence); link >= 0; link = chains.walk(link as FenceId)) {
    const inner = chains.contained(link as FenceId);
    if (arrays.has(inner)) for (let i = 0; i < arrays.count(inner); i++) visit(arrays.member(inner, i));
    else visit(inner);
  }
}

/** Handles on the fences that a fence is made of, without references (F-47). */
export function unwrapFence(fence: DmaFence): DmaFence[] {
  const leaves: DmaFence[] = [];
  forEachUnwrapped(fence.pool, fence.id, (leaf) => leaves.push(new DmaFence(fence.pool, leaf)));
  return leaves;
}

/**
 * One fence for several, with a reference: what they are made of without what has signaled, of each context only the
 * latest (F-48). Nothing left is a stub with the time of the last signal, one is that fence itself, more are an
 * array of its own context, in the order of their contexts. Throws `TypeError` for no fences.
 * @see dma_fence_unwrap_merge
 */
export function mergeFences(fences: readonly DmaFence[]): DmaFence {
  const [first] = fences;
  if (first === undefined) throw new TypeError("dma_fence_unwrap_merge: no fences to merge (F-48)");
  const { pool } = first;
  const pending: FenceId[] = [];
  let timestamp = 0;
  const signaled = (leaf: FenceId): void => {
    timestamp = Math.max(timestamp, pool.timestamp(leaf));
  };
  for (const fence of fences) {
    forEachUnwrapped(pool, fence.id, (leaf) => {
      if (pool.isSignaled(leaf)) signaled(leaf);
      else pending.push(pool.get(leaf));
    });
  }
  // Asking one driver may have signaled the fence of another that was pending before (F-49).
  const still = pending.filter((fence) => {
    if (!pool.hasSignaled(fence)) return true;
    signaled(fence);
    pool.put(fence);
    return false;
  });
  const kept = latestOfEach(pool, still);
  if (kept.length === 0) return DmaFence.privateStub(pool, timestamp);
  if (kept.length === 1) return new DmaFence(pool, kept[0] as FenceId);
  return new DmaFence(pool, pool.arrays.create(kept, pool.contextAlloc(), 1, false));
}

/** The latest fence of each context, in the order of the contexts; puts the others. */
function latestOfEach(pool: FencePool, fences: FenceId[]): FenceId[] {
  fences.sort((a, b) => {
    const contexts = pool.context(a) - pool.context(b);
    if (contexts !== 0) return contexts;
    return pool.isLater(a, b) ? -1 : pool.isLater(b, a) ? 1 : 0;
  });
  return fences.filter((fence, i) => {
    const first = i === 0 || pool.context(fences[i - 1] as FenceId) !== pool.context(fence);
    if (!first) pool.put(fence);
    return first;
  });
}
