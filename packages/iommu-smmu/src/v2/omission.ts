// SPDX-License-Identifier: MIT

/** What a driver can be told to forget, to see what it is for: a write to that register, or the cleaning of tables. */
export type SmmuV2Omission =
  | "TLBIVA"
  | "TLBIVAL"
  | "TLBIASID"
  | "TLBIIPAS2"
  | "TLBIIPAS2L"
  | "TLBIVMID"
  | "TLBSYNC"
  | "sTLBGSYNC"
  | "sync_pte";

/** All of them: registers by the manual's names, `sync_pte` for `__arm_lpae_sync_pte`. */
export const omissions: readonly SmmuV2Omission[] = [
  ...(["TLBIVA", "TLBIVAL", "TLBIASID", "TLBIIPAS2", "TLBIIPAS2L", "TLBIVMID"] as const),
  ...(["TLBSYNC", "sTLBGSYNC", "sync_pte"] as const),
];
