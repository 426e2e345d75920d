// SPDX-License-Identifier: MIT
import type { WalkFields } from "../lpae/control-fields.ts";
import { MAIR } from "../lpae/memory-type.ts";
import { CD } from "./cd.ts";

/** The tables of a stage 1, as a CD says it. */
export interface Stage1Place {
  readonly asid: number;
  readonly tcr: WalkFields;
  readonly root: number;
}

/** A CD for page tables of the lower half; faults are recorded, and abort. @see arm_smmu_make_s1_cd */
export const stage1Cd = ({ asid, tcr, root }: Stage1Place, stalls: boolean): Uint32Array =>
  CD.encode({
    T0SZ: tcr.tsz,
    TG0: tcr.tg,
    IR0: tcr.irgn,
    OR0: tcr.orgn,
    SH0: tcr.sh,
    EPD1: 1,
    V: 1,
    IPS: tcr.ps,
    AA64: 1,
    S: stalls ? 1 : 0,
    R: 1,
    A: 1,
    ASET: 1,
    ASID: asid,
    TTB0: root,
    MAIR0: MAIR,
  });

const ofAll = CD.mask("V");
const whole = new Uint32Array(16).fill(2 ** 32 - 1);
const ofTtb0 = CD.mask("T0SZ", "TG0", "IR0", "OR0", "SH0", "TTB0");

/** Ones in the bits that the SMMU looks at, given V and EPD0 of a CD. @see arm_smmu_get_cd_used */
export function usedOfCd(cd: Uint32Array): Uint32Array {
  if (CD.get(cd, "V") === 0) return ofAll;
  return CD.get(cd, "EPD0") === 0 ? whole : whole.map((word, i) => (word & ~(ofTtb0[i] as number)) >>> 0);
}
