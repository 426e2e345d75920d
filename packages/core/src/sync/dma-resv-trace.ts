// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";
import { usages } from "./usage.ts";

/** A reservation lock was taken; written at every acquisition, not only after contention. The address is the object's number. */
export const lockAcquired = tracepoint(
  "lock",
  "lock_acquired",
  ["name", "string"],
  ["lockdep_addr", "number"],
);

/** A reservation lock was given back. */
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
