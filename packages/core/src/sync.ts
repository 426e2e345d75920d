// SPDX-License-Identifier: MIT
export { DmaFence } from "./sync/dma-fence.ts";
export {
  dmaFenceDestroy,
  dmaFenceEnableSignal,
  dmaFenceInit,
  dmaFenceSignaled,
  dmaFenceWaitEnd,
  dmaFenceWaitStart,
} from "./sync/dma-fence-trace.ts";
export { DmaResv } from "./sync/dma-resv.ts";
export { lockAcquired, lockRelease, resvAdd } from "./sync/dma-resv-trace.ts";
export type { CallbackId, FenceCallback, FenceId } from "./sync/fence-callback.ts";
export type { FenceOps } from "./sync/fence-ops.ts";
export { FencePool, type FenceStatus } from "./sync/fence-pool.ts";
export { ResvPool } from "./sync/resv-pool.ts";
export { type Usage, usageRw, usages } from "./sync/usage.ts";
