// SPDX-License-Identifier: MIT
import { tracepoint } from "../../sim/tracepoint.ts";

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

/** Why an IOMMU refuses an access, in the order of the field `reason` of {@link translationFault}. */
export const iommuFaults = ["not mapped", "no permission", "beyond the table"] as const;

/** One of {@link iommuFaults}. */
export type IommuFault = (typeof iommuFaults)[number];

/** Ours, before `io_page_fault`, which does not say why. */
export const translationFault = tracepoint(
  "iommu",
  "translation_fault",
  ["device", "string"],
  ["iova", "address"],
  ["reason", iommuFaults],
);

/** Ours: a device got through on a translation that the page tables do not have any more. */
export const staleTranslation = tracepoint(
  "iommu",
  "stale_translation",
  ["device", "string"],
  ["iova", "address"],
  ["paddr", "address"],
  ["kind", ["read", "write"]],
);
