// SPDX-License-Identifier: MIT
import type { FenceId } from "./fence-callback.ts";

/**
 * What a driver says about its fences; one object for a driver's timeline, not one a fence. All operations run in atomic
 * context, so they are plain functions. @see struct dma_fence_ops
 */
export interface FenceOps {
  /** Name of the driver; required (F-1). */
  readonly driverName: string;
  /** Name of the driver's timeline, such as a ring or an endpoint; required (F-1). */
  readonly timelineName: string;
  /** Whether seqnos compare as 64-bit numbers instead of the signed 32-bit difference (F-21); default no. */
  readonly seqno64?: boolean;
  /**
   * Called once, when somebody first waits or adds a callback (F-10): arrange for the signal. False says that the work
   * is done already, and the fence signals at once; it must not call `signal` itself, the fence's lock is held.
   */
  enableSignaling?(fence: FenceId): boolean;
  /** Whether the work is done, asked by `isSignaled`; true signals the fence (F-7). */
  signaled?(fence: FenceId): boolean;
  /** Told when somebody wants it done, in ns of virtual time (F-28); only while it is pending, maybe several times. */
  setDeadline?(fence: FenceId, time: number): void;
  /** Called when the last reference is put, before the fence is freed (F-24). */
  release?(fence: FenceId): void;
}
