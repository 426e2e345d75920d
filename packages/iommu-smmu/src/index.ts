// SPDX-License-Identifier: MIT
// Arm's SMMUs: `@dmabuf/iommu-smmu`.
export type { Granule } from "./lpae/granule.ts";
export type { MemoryType, Shareability } from "./lpae/memory-type.ts";
export type { ContextFaultKind } from "./v2/fault-status.ts";
export type { SmmuV2Omission } from "./v2/omission.ts";
export type { ForbiddenMemory, SmmuV2ContextFault, SmmuV2Options } from "./v2/smmu-v2-options.ts";
export { mmu500, smmuV2 } from "./v2/smmu-v2-plugin.ts";
export type { BypassMemory } from "./v2/stream-map.ts";
