// SPDX-License-Identifier: MIT
export { DmaFence } from "./sync/dma-fence.ts";
export { type ArrayOptions, DmaFenceArray } from "./sync/dma-fence-array.ts";
export { DmaFenceChain } from "./sync/dma-fence-chain.ts";
export {
  dmaFenceContents,
  dmaFenceDestroy,
  dmaFenceEnableSignal,
  dmaFenceInit,
  dmaFenceSignaled,
  dmaFenceSignaledAgain,
  dmaFenceWaitEnd,
  dmaFenceWaitStart,
} from "./sync/dma-fence-trace.ts";
export { forEachUnwrapped, mergeFences, unwrapFence } from "./sync/dma-fence-unwrap.ts";
export { DmaResv } from "./sync/dma-resv.ts";
export { lockAcquired, lockRelease, resvAdd, resvReplace } from "./sync/dma-resv-trace.ts";
export type { CallbackId, FenceCallback, FenceId } from "./sync/fence-callback.ts";
export type { FenceOps } from "./sync/fence-ops.ts";
export { FencePool, type FencePoolOptions } from "./sync/fence-pool.ts";
export type { FenceStatus } from "./sync/fence-state.ts";
export type { AnyWait } from "./sync/fence-wait.ts";
export { type LockAllOptions, LockedResvs, lockAll } from "./sync/lock-all.ts";
export { LockMap } from "./sync/lock-map.ts";
export { LockFlag, lockAcquire, lockMapAcquire, lockMapRelease, NO_CONTEXT } from "./sync/lock-trace.ts";
export type { PollEvent, PollOptions } from "./sync/poll-queue.ts";
export { ResvCursor } from "./sync/resv-cursor.ts";
export { ResvPool } from "./sync/resv-pool.ts";
export {
  beginSignalling,
  endSignalling,
  mightReclaim,
  mightWait,
  type Reclaim,
  type SignallingCookie,
} from "./sync/signalling.ts";
export { type SyncFenceInfo, SyncFile, type SyncFileInfo } from "./sync/sync-file.ts";
export { type Usage, usageRw, usages } from "./sync/usage.ts";
export type { WwAcquire } from "./sync/ww-acquire.ts";
export { WwClass, type WwClassOptions, type WwLockOptions, type WwResult } from "./sync/ww-class.ts";
export { DeadlockInjection } from "./sync/ww-injection.ts";
export {
  ACQUIRED,
  ALREADY,
  DEADLOCK,
  WAITING,
  type WwAlgorithm,
  WwMachine,
  type WwOutcome,
} from "./sync/ww-machine.ts";
export { WwMutex } from "./sync/ww-mutex.ts";
