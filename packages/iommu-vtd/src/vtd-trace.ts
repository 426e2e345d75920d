// SPDX-License-Identifier: MIT
import { tracepoint } from "@dmabuf/core/sim";

/** A descriptor was queued: its two quad words, each as two words of 32 bits. @see trace_qi_submit */
export const qiSubmit = tracepoint(
  "intel_iommu",
  "qi_submit",
  ["type", "string"],
  ["iommu", "string"],
  ["qw0_low", "address"],
  ["qw0_high", "address"],
  ["qw1_low", "address"],
  ["qw1_high", "address"],
);

/** Ours: a fault went into a fault recording register. `pasid` is -1 for a request without one. @see dmar_fault_do_one */
export const primaryFault = tracepoint(
  "intel_iommu",
  "primary_fault",
  ["iommu", "string"],
  ["source", "address"],
  ["pasid", "number"],
  ["address", "address"],
  ["read", "boolean"],
  ["reason", "address"],
);

/** Ours: a fault was lost, since no fault recording register was free (PFO). */
export const primaryFaultOverflow = tracepoint(
  "intel_iommu",
  "primary_fault_overflow",
  ["iommu", "string"],
  ["source", "address"],
);
