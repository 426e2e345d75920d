// SPDX-License-Identifier: MIT
// What IOMMUs are made of, for their plugins: `@dmabuf/core/iommu`.
export type { ClearedDescriptors } from "./iommu/cleared-descriptors.ts";
export { type DomainType, domainTypes } from "./iommu/domain-type.ts";
export type { IommuGroup } from "./iommu/iommu-group.ts";
export { IommuProt } from "./iommu/iommu-prot.ts";
export type { IommuTable } from "./iommu/iommu-table.ts";
export type { IommuMaster, IommuUnit, ReservedRegion } from "./iommu/iommu-unit.ts";
export { type PageRun, pageRuns } from "./iommu/page-sizes.ts";
export { PageTable, type PageTableOptions } from "./iommu/page-table.ts";
export { type Invalidation, PagingDomain, type PagingDomainOptions } from "./iommu/paging-domain.ts";
export { PlainTable, type PlainTableOptions } from "./iommu/plain-table.ts";
export { StackedTranslation } from "./iommu/stacked-translation.ts";
export { Descriptor, type TableFormat, type TableLevel } from "./iommu/table-format.ts";
export { LooseTableMemory, type TableMemory } from "./iommu/table-memory.ts";
export { Tlb } from "./iommu/tlb.ts";
export {
  carrying,
  type DeviceTranslation,
  refused,
  type Snooping,
  type Translation,
  untranslated,
} from "./iommu/translation.ts";
export type { TableMemoryOptions } from "./platform/machine-tables.ts";
