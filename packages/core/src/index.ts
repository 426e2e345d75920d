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
export {
  type Conflict,
  capacity,
  conflictOf,
  type Party,
  satisfiable,
} from "./buffer/constraint/conflict.ts";
export { describeConstraints } from "./buffer/constraint/describe-constraints.ts";
export { intersect, intersectAll } from "./buffer/constraint/intersect.ts";
export { type BufferMemory, checkMemory, type Violation } from "./buffer/constraint/memory-check.ts";
export type { Picture } from "./buffer/constraint/picture-check.ts";
export { type PictureLines, worstSegmentCount } from "./buffer/constraint/picture-segments.ts";
export { scatterlistFor } from "./buffer/constraint/scatterlist-for.ts";
export type { CpuMapping } from "./buffer/cpu-mapping.ts";
export { bufinfo, fdinfo } from "./buffer/debug-listing.ts";
export { DmaBuf } from "./buffer/dma-buf.ts";
export type { DmaBufCore } from "./buffer/dma-buf-core.ts";
export type { CpuPages, DmaBufOps, ExportInfo } from "./buffer/dma-buf-ops.ts";
export type { AllocateOptions, Exporter } from "./buffer/exporter.ts";
export type { FdTable } from "./buffer/fd-table.ts";
export { FencedTransfers, type TransferTarget } from "./buffer/fenced-transfers.ts";
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
export { MappedAttachment } from "./buffer/mapped-attachment.ts";
export { CoherencyConflict } from "./buffer/policy/reject-at-attach.ts";
export { getPfns, getScatterlist } from "./buffer/raw-memory.ts";
export { StaticImport } from "./buffer/static-import.ts";
export {
  type FileInfo,
  mergeSyncFiles,
  setSyncFileDeadline,
  syncFileInfo,
} from "./buffer/sync-file-ioctl.ts";
export { SyncFlag } from "./buffer/sync-flag.ts";
export { demandTrust, UntrustedAccess } from "./buffer/untrusted-access.ts";
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
export { demandOptions, type OptionRule, type OptionRules } from "./demand-options.ts";
export {
  ARCH,
  type Arch,
  type CacheMaintenance,
  type DriverFlush,
  type VirtualCache,
  type WholeCacheCost,
} from "./dma/arch.ts";
export type { EntryBounce } from "./dma/backend/dma-backend.ts";
export type { Cpu } from "./dma/cpu.ts";
export { type DmaDirection, deviceWrites, directionOf, dmaDirections } from "./dma/direction.ts";
export type { DmaApi, GivenBack } from "./dma/dma-api.ts";
export type { DmaAttributes } from "./dma/dma-attributes.ts";
export {
  constraintsOf,
  type DmaConstraints,
  defaultConstraints,
  dmaConstraints,
  segmentLimitsOf,
  unconstrained,
} from "./dma/dma-constraints.ts";
export type { DmaDevice } from "./dma/dma-device.ts";
export { DmaMasks, dmaBitMask } from "./dma/dma-mask.ts";
export type { SyncedPart } from "./dma/dma-syncs.ts";
export type { DmaTranslation } from "./dma/dma-translation.ts";
export { busLimit, type DmaWindow, identityWindows } from "./dma/dma-window.ts";
export { FirstFitIova } from "./dma/iova/first-fit-iova.ts";
export type { IovaAllocator } from "./dma/iova/iova-allocator.ts";
export { LinuxIova } from "./dma/iova/linux-iova.ts";
export type { IovaLink } from "./dma/iova-link.ts";
export { type KernelArea, kernelAddress } from "./dma/kernel-address.ts";
export type {
  CoherentAllocation,
  DmaMapping,
  NoncontiguousAllocation,
  PageMapping,
  PagesAllocation,
  ResourceMapping,
  SgMapping,
} from "./dma/mapping.ts";
export type { MemoryType } from "./dma/memory-type.ts";
export type { OwnAddresses } from "./dma/own-addresses.ts";
export { directSegments } from "./dma/scatterlist/direct-segments.ts";
export { DmaSegments } from "./dma/scatterlist/dma-segments.ts";
export { finaliseSg } from "./dma/scatterlist/finalise-sg.ts";
export { sgFromExtents } from "./dma/scatterlist/from-extents.ts";
export { type FromPagesOptions, sgFromPages } from "./dma/scatterlist/from-pages.ts";
export {
  type IovaLayout,
  type IovaLayoutOptions,
  type IovaPiece,
  iovaLayout,
  iovaPieces,
} from "./dma/scatterlist/iova-layout.ts";
export { type MissedPage, missedPage } from "./dma/scatterlist/page-walk.ts";
export { defaultSegmentLimits, type SegmentLimits } from "./dma/scatterlist/segment-limits.ts";
export { type SgEntry, type SgPage, type SgSegment, SgTable } from "./dma/scatterlist/sg-table.ts";
export type { BounceReason } from "./dma/swiotlb/bounce-reason.ts";
export type { KmallocAlignment } from "./dma/swiotlb/kmalloc-size.ts";
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
  type IommuMode,
  type IovaPolicy,
  type PoolDescription,
  type Port,
  type RamDescription,
} from "./platform/board.ts";
export { type BoardChanges, overlaid } from "./platform/board-overlay.ts";
export { type CoherencyChoice, coherencyChoices } from "./platform/coherency-choice.ts";
export type { DeviceIommuDescription, IommuDescription } from "./platform/iommu-description.ts";
export type {
  BufferDescription,
  CpuStage,
  DeviceStage,
  PictureDescription,
  Pipeline,
  Stage,
} from "./platform/pipeline.ts";
export { assemble, Platform } from "./platform/platform.ts";
export {
  type CoreServices,
  definePlugin,
  type ExporterFactories,
  type Needs,
  type Plugin,
  type PluginDefinition,
  type Provides,
  type Resolved,
  type ServiceProvider,
  type Services,
} from "./platform/plugin.ts";
export type { MaintenanceTotal, RunReport, Verdict } from "./platform/run-report.ts";
export { isPoolSize, type SwiotlbDescription } from "./platform/swiotlb-description.ts";
export { type BootOptions, System, type TimedHazard } from "./platform/system.ts";
export type { Process } from "./sim/process.ts";
export type { Simulation } from "./sim/simulation.ts";
export type { DmaFence } from "./sync/dma-fence.ts";
export type { DmaResv } from "./sync/dma-resv.ts";
export { type Token, token } from "./token.ts";
