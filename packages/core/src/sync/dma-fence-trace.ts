// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";

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

/** A task begins to wait for a fence; also when that is signaled already (F-15). */
export const dmaFenceWaitStart = tracepoint("dma_fence", "dma_fence_wait_start", ...fence);

/** A task has done with waiting for a fence, whatever the outcome. */
export const dmaFenceWaitEnd = tracepoint("dma_fence", "dma_fence_wait_end", ...fence);
