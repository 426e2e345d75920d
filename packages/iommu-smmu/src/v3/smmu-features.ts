// SPDX-License-Identifier: MIT

/** What an SMMU is able to do: its ID registers, as far as they matter here. @see Arm IHI 0070, SMMU_IDR0 to SMMU_IDR5 */
export interface SmmuFeatures {
  /** IDR0.S1P. */
  readonly stage1: boolean;
  /** IDR0.S2P. */
  readonly stage2: boolean;
  /** IDR1.SIDSIZE: bits of a StreamID. */
  readonly streamIdBits: number;
  /** IDR1.SSIDSIZE: bits of a SubstreamID, 0 for none. */
  readonly substreamBits: number;
  /** IDR5.OAS: bits of an output address. */
  readonly outputBits: number;
  /** IDR0.ATS. */
  readonly ats: boolean;
  /** IDR0.STALL_MODEL: whether a transaction that faults can wait. */
  readonly stall: boolean;
  /** IDR3.RIL: whether a TLBI can name a range. */
  readonly rangeInvalidation: boolean;
}
