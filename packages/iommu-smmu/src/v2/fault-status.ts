// SPDX-License-Identifier: MIT
import { FSR, sGFSR } from "./registers.ts";

/** Faults of a context bank, by the bit of FSR (M-62). */
export type ContextFaultKind = "TF" | "AFF" | "PF" | "EF" | "ASF";

/** Faults before a context bank is found, by the bit of sGFSR. */
export type GlobalFaultKind = "ICF" | "USF" | "SMCF";

export const faultBits: Readonly<Record<ContextFaultKind, number>> = {
  TF: FSR.TF,
  AFF: FSR.AFF,
  PF: FSR.PF,
  EF: FSR.EF,
  ASF: FSR.ASF,
};

export const globalFaultBits: Readonly<Record<GlobalFaultKind, number>> = {
  ICF: sGFSR.ICF,
  USF: sGFSR.USF,
  SMCF: sGFSR.SMCF,
};

/** What the bits are called, in words. */
export const faultNames: Readonly<Record<ContextFaultKind | GlobalFaultKind, string>> = {
  TF: "translation fault",
  AFF: "access flag fault",
  PF: "permission fault",
  EF: "external abort on a table walk",
  ASF: "address size fault",
  ICF: "invalid context fault",
  USF: "unidentified stream fault",
  SMCF: "stream match conflict fault",
};
