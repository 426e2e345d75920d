// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";

/** The flags of `lock:lock_acquire`: tried without waiting, shared; and ours: in atomic context. */
export const LockFlag = { try: 1, read: 2, atomic: 4 } as const;

/** In `nest_lock`: the lock is taken without an acquire context. */
export const NO_CONTEXT = -1;

/**
 * A task is about to take a lock, and may have to wait for it: what a lock checker draws its order from.
 * `lock:lock_acquired` follows when it has it, `lock:lock_release` when it gives it back; after a try that fails, or a
 * wait that a signal ends, neither comes. The class and the object's number are the kernel's fields. Ours are the acquire context that orders the locks of a
 * class among themselves, and the object's name.
 */
export const lockAcquire = tracepoint(
  "lock",
  "lock_acquire",
  ["flags", "number"],
  ["name", "string"],
  ["lockdep_addr", "number"],
  ["nest_lock", "number"],
  ["object", "string"],
);

/**
 * Something that is no lock but has a place in the order of locks: reclaim, waiting for fences, signalling one.
 * `held` says whether it lasts until the release below or is over at once. @see lock_map_acquire
 */
export const lockMapAcquire = tracepoint(
  "lock",
  "lock_map_acquire",
  ["flags", "number"],
  ["name", "string"],
  ["held", "boolean"],
  ["object", "string"],
);

/** The end of one that lasts. @see lock_map_release */
export const lockMapRelease = tracepoint("lock", "lock_map_release", ["name", "string"]);
