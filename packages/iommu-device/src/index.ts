// SPDX-License-Identifier: MIT
// MMUs that live inside of one block, and the drivers that own them: `@dmabuf/iommu-device`.
export { Gpu, type GpuOptions, gpu } from "./driver/gpu.ts";
export { GpuImport } from "./driver/gpu-import.ts";
export { type GpuMapping, GpuProcess } from "./driver/gpu-process.ts";
export { type EtnavivV1Omission, type EtnavivV1Options, etnavivV1 } from "./etnaviv/v1-mmu.ts";
export { type EtnavivV2Omission, type EtnavivV2Options, etnavivV2 } from "./etnaviv/v2-mmu.ts";
export { type GpuMmuOmission, type GpuMmuOptions, gpuMmu } from "./gpu-vm/gpu-mmu.ts";
export { maliMmu } from "./mali/mali-mmu.ts";
export type { MaliOmission, MaliOptions } from "./mali/mali-options.ts";
export { MmuContext, type MmuContextOptions } from "./mmu-context.ts";
export { type MmuIommuOptions, mmuIommu } from "./mmu-iommu.ts";
export { mmuCommand } from "./mmu-trace.ts";
export { LOCAL, type MmuFactory, type PrivateMmu } from "./private-mmu.ts";
export { type LimaOmission, type LimaOptions, limaMmu } from "./rockchip/lima-mmu.ts";
export { type RockchipOmission, type RockchipOptions, rockchipIommu } from "./rockchip/rockchip-iommu.ts";
export { type V3dOmission, type V3dOptions, v3dMmu } from "./v3d/v3d-mmu.ts";
