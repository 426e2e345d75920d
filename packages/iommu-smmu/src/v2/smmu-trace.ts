// SPDX-License-Identifier: MIT
import { tracepoint } from "@dmabuf/core/sim";

/** A context fault: what the bank's registers say, as the driver's message has it. @see arm_smmu_context_fault */
export const contextFault = tracepoint(
  "arm_smmu",
  "context_fault",
  ["smmu", "string"],
  ["fsr", "address"],
  ["iova", "address"],
  ["fsynr", "address"],
  ["cbfrsynra", "address"],
  ["cb", "number"],
);

/** A global fault. @see arm_smmu_global_fault */
export const globalFault = tracepoint(
  "arm_smmu",
  "global_fault",
  ["smmu", "string"],
  ["gfsr", "address"],
  ["gfar", "address"],
  ["gfsynr0", "address"],
  ["gfsynr1", "address"],
);

/** Writes to a TLB invalidation register, one a page of `granule` bytes where it takes an address. */
export const tlbInvalidate = tracepoint(
  "arm_smmu",
  "tlbi",
  ["smmu", "string"],
  ["register", "string"],
  ["context", "number"],
  ["address", "address"],
  ["size", "number"],
  ["granule", "number"],
);

/** The driver waited for invalidations, by TLBSYNC of a bank or by sTLBGSYNC. */
export const tlbSync = tracepoint(
  "arm_smmu",
  "tlb_sync",
  ["smmu", "string"],
  ["register", "string"],
  ["context", "number"],
);
