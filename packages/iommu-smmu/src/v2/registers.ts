// SPDX-License-Identifier: MIT
// Bits of the registers that the model writes and reads, by their names. @see IHI 0062, the register descriptions

/** Global configuration. @see ARM_SMMU_GR0_sCR0 */
export const sCR0 = {
  CLIENTPD: 1 << 0,
  GFRE: 1 << 1,
  GFIE: 1 << 2,
  GCFGFRE: 1 << 4,
  GCFGFIE: 1 << 5,
  USFCFG: 1 << 10,
  VMIDPNE: 1 << 11,
  PTM: 1 << 12,
} as const;

/** Global faults. @see ARM_SMMU_GR0_sGFSR */
export const sGFSR = {
  /** The S2CR says that the stream faults. */
  ICF: 1 << 0,
  /** No SMR matches. */
  USF: 1 << 1,
  /** Several SMRs match. */
  SMCF: 1 << 2,
  MULTI: 0x8000_0000,
} as const;

/** More of a global fault: a write, a privileged access. */
export const sGFSYNR0 = { WNR: 1 << 1, PNU: 1 << 2 } as const;

/** A stream match register: the stream id in bits 15:0, in 30:16 the bits of it that do not count. */
export const SMR_VALID = 0x8000_0000;

/** What becomes of a stream, S2CR bits 17:16. */
export const S2CR_TYPE = { translate: 0 << 16, bypass: 1 << 16, fault: 2 << 16 } as const;

/** Of what goes past: memory attributes of its own, which, and how far they are shared. */
export const S2CR_MTCFG = 1 << 11;
export const S2CR_MEMATTR = { device: 0x1 << 12, "normal-nc": 0x5 << 12, "normal-wb": 0xf << 12 } as const;
export const S2CR_SHCFG = { outer: 1 << 8, inner: 2 << 8, non: 3 << 8 } as const;

/** What a context bank translates, CBAR bits 17:16. */
export const CBAR_TYPE = { S2_TRANS: 0 << 16, S1_TRANS_S2_BYPASS: 1 << 16 } as const;
/** Of a stage 1 bank: attributes of what it leaves open, the weakest, so that the tables decide. */
export const CBAR_S1_WEAKEST = (3 << 8) | (0xf << 12);

/** AArch64 tables. */
export const CBA2R_VA64 = 1 << 0;

/** Control of a context bank. @see ARM_SMMU_CB_SCTLR */
export const SCTLR = {
  M: 1 << 0,
  TRE: 1 << 1,
  AFE: 1 << 2,
  CFRE: 1 << 5,
  CFIE: 1 << 6,
  CFCFG: 1 << 7,
  S1_ASIDPNE: 1 << 12,
} as const;

/** The upper half of the addresses is not translated. */
export const TCR_EPD1 = 1 << 23;
/** ASIDs have 16 bits. */
export const TCR2_AS = 1 << 4;
/** Addresses are as wide as the bus that they come on. */
export const TCR2_SEP_UPSTREAM = 7 << 15;
export const VTCR_RES1 = 0x8000_0000;

/** Faults of a context bank (M-62). @see ARM_SMMU_CB_FSR */
export const FSR = {
  TF: 1 << 1,
  AFF: 1 << 2,
  PF: 1 << 3,
  EF: 1 << 4,
  ASF: 1 << 7,
  /** The tables are AArch64. */
  FORMAT_AARCH64: 2 << 9,
  /** The access stands still until RESUME. */
  SS: 1 << 30,
  MULTI: 0x8000_0000,
} as const;

/** More of a context fault; bits 1:0 are the level. */
export const FSYNR0 = { WNR: 1 << 4, PNU: 1 << 5, PTWF: 1 << 10 } as const;
