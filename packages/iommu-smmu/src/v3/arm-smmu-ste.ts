// SPDX-License-Identifier: MIT
import type { VtcrFields } from "../lpae/control-fields.ts";
import { Config, EATS, S1DSS, SH, STE } from "./ste.ts";

/** Where a master's context descriptors are, as its STE says it. */
export interface CdTablePlace {
  readonly address: number;
  readonly format: number;
  /** log2 of the number of CDs. */
  readonly cdMax: number;
}

/** What a master's STE says besides the domain. */
export interface SteTraits {
  /** Whether the master's ATS is on. */
  readonly ats: boolean;
  /** Whether the SMMU can stall, and the master can wait. */
  readonly stall: "no" | "not-this-master" | "yes";
}

/** The tables of a stage 2, as an STE says it. */
export interface Stage2Place {
  readonly vmid: number;
  readonly vtcr: VtcrFields;
  readonly root: number;
}

/** Write-back, read-allocate: how the SMMU reads CDs. */
const WBRA = 1;

/** Lets nothing through. @see arm_smmu_make_abort_ste */
export const abortSte = (): Uint32Array => STE.encode({ V: 1, Config: Config.ABORT });

/** Lets everything through, with its own attributes. @see arm_smmu_make_bypass_ste */
export const bypassSte = (): Uint32Array => STE.encode({ V: 1, Config: Config.BYPASS, SHCFG: SH.INCOMING });

/**
 * Stage 1 by way of context descriptors, on top of a stage 2 where there is one. @see arm_smmu_make_cdtable_ste
 * @param s1dss what becomes of transactions without a substream
 */
export function cdTableSte(
  { address, format, cdMax }: CdTablePlace,
  s1dss: number,
  { ats, stall }: SteTraits,
  parent: Stage2Place | null = null,
): Uint32Array {
  return STE.encode({
    ...(parent === null ? {} : stage2Fields(parent)),
    V: 1,
    Config: parent === null ? Config.S1_TRANS : Config.NESTED,
    S1Fmt: format,
    S1ContextPtr: address,
    S1CDMax: cdMax,
    S1DSS: s1dss,
    S1CIR: WBRA,
    S1COR: WBRA,
    S1CSH: SH.ISH,
    S1STALLD: stall === "not-this-master" ? 1 : 0,
    EATS: ats ? EATS.TRANS : EATS.ABORT,
    SHCFG: s1dss === S1DSS.BYPASS || parent !== null ? SH.INCOMING : 0,
  });
}

/** Stage 2 alone. @see arm_smmu_make_s2_domain_ste */
export const stage2Ste = (place: Stage2Place, { ats, stall }: SteTraits): Uint32Array =>
  STE.encode({
    ...stage2Fields(place),
    V: 1,
    Config: Config.S2_TRANS,
    SHCFG: SH.INCOMING,
    EATS: ats ? EATS.TRANS : EATS.ABORT,
    S2S: stall === "yes" ? 1 : 0,
  });

const stage2Fields = ({ vmid, vtcr, root }: Stage2Place) => ({
  S2VMID: vmid,
  S2T0SZ: vtcr.tsz,
  S2SL0: vtcr.sl,
  S2IR0: vtcr.irgn,
  S2OR0: vtcr.orgn,
  S2SH0: vtcr.sh,
  S2TG: vtcr.tg,
  S2PS: vtcr.ps,
  S2AA64: 1,
  S2PTW: 1,
  S2R: 1,
  S2TTB: root,
});

const ofAll = STE.mask("V");
const ofValid = STE.mask("V", "Config");
const ofBypass = STE.mask("SHCFG");
const ofStage1 = STE.mask(
  ...(["S1Fmt", "S1ContextPtr", "S1CDMax", "S1DSS", "S1CIR", "S1COR", "S1CSH"] as const),
  ...(["S1STALLD", "STRW", "EATS", "S2VMID"] as const),
);
const ofStage2 = STE.mask(
  ...(["EATS", "SHCFG", "S2FWB", "S2VMID", "S2T0SZ", "S2SL0", "S2IR0", "S2OR0", "S2SH0", "S2TG"] as const),
  ...(["S2PS", "S2AA64", "S2ENDI", "S2PTW", "S2S", "S2R", "S2TTB"] as const),
);

/** Ones in the bits that the SMMU looks at, given V, Config and S1DSS of an entry. @see arm_smmu_get_ste_used */
export function usedOfSte(ste: Uint32Array): Uint32Array {
  if (STE.get(ste, "V") === 0) return ofAll;
  const config = STE.get(ste, "Config");
  if (config < Config.BYPASS) return ofValid;
  const used = ofValid.slice();
  const add = (bits: Uint32Array): void =>
    bits.forEach((word, i) => {
      used[i] = (used[i] as number) | word;
    });
  if (config === Config.BYPASS) add(ofBypass);
  if ((config & 1) !== 0) add(ofStage1);
  if ((config & 1) !== 0 && STE.get(ste, "S1DSS") === S1DSS.BYPASS) add(ofBypass);
  if ((config & 2) !== 0) add(ofStage2);
  return used;
}
