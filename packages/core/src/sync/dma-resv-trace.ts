// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";
import { usages } from "./usage.ts";

/**
 * A wound/wait mutex was taken; written at every acquisition, not only after contention. The name is the class's with
 * `_mutex` behind it, and the address the lock's number: a reservation object's. With `_acquire` behind it an acquire
 * context begins, the pseudo lock that says its locks are taken in an order.
 */
export const lockAcquired = tracepoint(
  "lock",
  "lock_acquired",
  ["name", "string"],
  ["lockdep_addr", "number"],
);

/** It was given back, or the context ended. */
export const lockRelease = tracepoint("lock", "lock_release", ["name", "string"], ["lockdep_addr", "number"]);

/** A fence was added to a reservation object. The kernel has no such event; the recorded probes of this name do. */
export const resvAdd = tracepoint(
  "dma_resv",
  "dma_resv_add_fence",
  ["resv", "number"],
  ["context", "number"],
  ["seqno", "number"],
  ["usage", usages],
);

/**
 * Ours: somebody went through the fences of this usage and the stronger ones, and has waited for what was pending or
 * found it signaled; what it does next comes after them.
 */
export const resvSettled = tracepoint("dmabuf", "dma_resv_settled", ["resv", "number"], ["usage", usages]);

/** All fences of the context `replaced` were replaced by another one. The kernel has no such event. */
export const resvReplace = tracepoint(
  "dma_resv",
  "dma_resv_replace_fences",
  ["resv", "number"],
  ["replaced", "number"],
  ["context", "number"],
  ["seqno", "number"],
  ["usage", usages],
);
