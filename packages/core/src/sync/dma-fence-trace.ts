// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";
import type { FenceId } from "./fence-callback.ts";
import type { FencePool } from "./fence-pool.ts";

const fence = [
  ["driver", "string"],
  ["timeline", "string"],
  ["context", "number"],
  ["seqno", "number"],
] as const;

/** A fence was made. Here and below context and seqno are whole; the kernel's events cut them to 32 bits. */
export const dmaFenceInit = tracepoint("dma_fence", "dma_fence_init", ...fence);

/** The last reference of a fence was put. */
export const dmaFenceDestroy = tracepoint("dma_fence", "dma_fence_destroy", ...fence);

/** The driver was asked to see to it that the fence signals; only for fences with that operation (F-10). */
export const dmaFenceEnableSignal = tracepoint("dma_fence", "dma_fence_enable_signal", ...fence);

/** A fence signaled; its callbacks run next (F-3). */
export const dmaFenceSignaled = tracepoint("dma_fence", "dma_fence_signaled", ...fence);

/** Ours: somebody signaled a fence that has signaled before, which does nothing (F-3); for checkers, the kernel is silent. */
export const dmaFenceSignaledAgain = tracepoint("dmabuf", "dma_fence_signaled_again", ...fence);

/** A task begins to wait for a fence; also when that is signaled already (F-15). */
export const dmaFenceWaitStart = tracepoint("dma_fence", "dma_fence_wait_start", ...fence);

/** A task has done with waiting for a fence, whatever the outcome. */
export const dmaFenceWaitEnd = tracepoint("dma_fence", "dma_fence_wait_end", ...fence);

/** Ours: somebody asked whether a fence has signaled, it had, and they go on because of it. */
export const dmaFenceObserved = tracepoint(
  "dmabuf",
  "dma_fence_observed",
  ["context", "number"],
  ["seqno", "number"],
);

/**
 * Ours: a fence is part of an array, or of a chain or behind it: one event a part when the container is made. Who sees a
 * container signal learns from these what is done.
 */
export const dmaFenceContents = tracepoint(
  "dmabuf",
  "dma_fence_contents",
  ["context", "number"],
  ["seqno", "number"],
  ["part_context", "number"],
  ["part_seqno", "number"],
);

/** Writes `dmaFenceContents`. */
export function emitContents(pool: FencePool, container: FenceId, part: FenceId): void {
  const { trace } = pool.simulation;
  if (!trace.wants(dmaFenceContents)) return;
  const [context, seqno] = [pool.context(container), pool.seqno(container)];
  trace.emit(dmaFenceContents, context, seqno, pool.context(part), pool.seqno(part));
}
