// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";

/** Addresses were mapped. @see trace_map */
export const iommuMap = tracepoint(
  "iommu",
  "map",
  ["iova", "address"],
  ["paddr", "address"],
  ["size", "number"],
);

/** Addresses were unmapped. @see trace_unmap */
export const iommuUnmap = tracepoint(
  "iommu",
  "unmap",
  ["iova", "address"],
  ["size", "number"],
  ["unmapped_size", "number"],
);

/** A device's access was refused; of `flags` bit 0 says that it was a write. @see trace_io_page_fault, report_iommu_fault */
export const ioPageFault = tracepoint(
  "iommu",
  "io_page_fault",
  ["device", "string"],
  ["driver", "string"],
  ["iova", "address"],
  ["flags", "number"],
);

/** Ours, before `io_page_fault`, which does not say why. */
export const translationFault = tracepoint(
  "iommu",
  "translation_fault",
  ["device", "string"],
  ["iova", "address"],
  ["reason", "string"],
);

/** Ours: a device got through, or was refused with `fault`, by what the IOMMU remembers and the page tables do not say any more. */
export const staleTranslation = tracepoint(
  "iommu",
  "stale_translation",
  ["device", "string"],
  ["iova", "address"],
  ["paddr", "address"],
  ["kind", ["read", "write"]],
  ["missing", "string"],
  ["fault", "string"],
);

/** Ours: the CPU wrote descriptors of an IOMMU whose walker does not snoop. */
export const tableWrite = tracepoint(
  "iommu",
  "table_write",
  ["iommu", "string"],
  ["address", "address"],
  ["size", "number"],
);

/** Ours: the walker of an IOMMU that does not snoop read a descriptor. */
export const tableFetch = tracepoint(
  "iommu",
  "table_fetch",
  ["iommu", "string"],
  ["address", "address"],
  ["size", "number"],
);

/** Ours: devices that the IOMMU cannot tell apart, in one group (M-2). */
export const iommuGroup = tracepoint(
  "iommu",
  "shared_group",
  ["iommu", "string"],
  ["devices", "string"],
  ["id", "number"],
);

/** Ours: a device that Linux holds to be coherent used a mapping that does not snoop: IOMMU_CACHE is missing (I-2, M-17). */
export const unsnoopedMapping = tracepoint(
  "iommu",
  "unsnooped_mapping",
  ["device", "string"],
  ["iova", "address"],
);
