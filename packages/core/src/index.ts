// SPDX-License-Identifier: MIT
// The model and the contracts: `@dmabuf/core`.
export {
  alignDown,
  alignUp,
  type CpuAddr,
  cpuAddr,
  type DmaAddr,
  dmaAddr,
  PAGE_SIZE,
  type PhysAddr,
  parseSize,
  physAddr,
  type Size,
} from "./address.ts";
export type { Attachment } from "./buffer/attachment.ts";
export type { CoherencyPolicy, Transfer } from "./buffer/coherency-policy.ts";
export type { CpuMapping } from "./buffer/cpu-mapping.ts";
export { bufinfo, fdinfo } from "./buffer/debug-listing.ts";
export { DmaBuf } from "./buffer/dma-buf.ts";
export type { DmaBufCore } from "./buffer/dma-buf-core.ts";
export type { CpuPages, DmaBufOps, ExportInfo } from "./buffer/dma-buf-ops.ts";
export type { AllocateOptions, Exporter } from "./buffer/exporter.ts";
export type { FdTable } from "./buffer/fd-table.ts";
export {
  type AttachOptions,
  type ImportedBuffer,
  type Importer,
  type PinChoice,
  type TransferOptions,
  type TransferSync,
  transferSync,
} from "./buffer/importer.ts";
export type { KernelMapping } from "./buffer/kernel-mapping.ts";
export { type KernelProfile, kernelProfiles, linux72, linux612, proposed } from "./buffer/kernel-profile.ts";
export { CoherencyConflict } from "./buffer/policy/reject-at-attach.ts";
export {
  type FileInfo,
  mergeSyncFiles,
  setSyncFileDeadline,
  syncFileInfo,
} from "./buffer/sync-file-ioctl.ts";
export { SyncFlag } from "./buffer/sync-flag.ts";
export {
  type BecauseEvent,
  type Finding,
  type FindingCode,
  type FindingWitnessStep,
  findingCodes,
  type OtherParty,
  type Severity,
  severityOf,
} from "./check/finding.ts";
export type { StageWait } from "./check/wait-ledger.ts";
export {
  ARCH,
  type Arch,
  type CacheMaintenance,
  type DriverFlush,
  type VirtualCache,
  type WholeCacheCost,
} from "./dma/arch.ts";
export type { Cpu } from "./dma/cpu.ts";
export { type DmaDirection, deviceWrites, directionOf, dmaDirections } from "./dma/direction.ts";
export type { DmaApi, DmaAttributes } from "./dma/dma-api.ts";
export type { DmaDevice } from "./dma/dma-device.ts";
export { FirstFitIova } from "./dma/iova/first-fit-iova.ts";
export type { IovaAllocator } from "./dma/iova/iova-allocator.ts";
export { LinuxIova } from "./dma/iova/linux-iova.ts";
export type { MemoryType } from "./dma/memory-type.ts";
export type { SgMapping } from "./dma/sg-mapping.ts";
export { AssemblyError, type Errno, InputError, KernelBug, KernelError } from "./error.ts";
export { CmaPool } from "./memory/cma-pool.ts";
export { Extents } from "./memory/extents.ts";
export { IntervalMap } from "./memory/interval-map.ts";
export type {
  DeviceMemory,
  MemoryDescription,
  PoolDescription as CmaDescription,
  ReservedMemory,
} from "./memory/memory-description.ts";
export type { PageAllocator } from "./memory/page-allocator.ts";
export { PhysicalMemory } from "./memory/physical-memory.ts";
export type { Region, RegionKind } from "./memory/region.ts";
export type { ScatterOptions } from "./memory/scatter.ts";
export { nearestName } from "./nearest-name.ts";
export {
  type BoardDescription,
  board,
  type DeviceDescription,
  type PoolDescription,
  type Port,
  type RamDescription,
} from "./platform/board.ts";
export { type CoherencyChoice, coherencyChoices } from "./platform/coherency-choice.ts";
export type { BufferDescription, CpuStage, DeviceStage, Pipeline, Stage } from "./platform/pipeline.ts";
export { assemble, Platform } from "./platform/platform.ts";
export {
  type CoreServices,
  definePlugin,
  type Needs,
  type Plugin,
  type PluginDefinition,
  type Provides,
  type Resolved,
  type ServiceProvider,
  type Services,
} from "./platform/plugin.ts";
export type { MaintenanceTotal, RunReport, Verdict } from "./platform/run-report.ts";
export { type BootOptions, System, type TimedHazard } from "./platform/system.ts";
export type { Process } from "./sim/process.ts";
export type { Simulation } from "./sim/simulation.ts";
export type { DmaFence } from "./sync/dma-fence.ts";
export type { DmaResv } from "./sync/dma-resv.ts";
export { type Token, token } from "./token.ts";
