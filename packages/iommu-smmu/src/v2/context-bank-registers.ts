// SPDX-License-Identifier: MIT
import { tcrFields, vtcrFields, type WalkFields } from "../lpae/control-fields.ts";
import type { LpaeConfig } from "../lpae/lpae-config.ts";
import { MAIR } from "../lpae/memory-type.ts";
import type { ContextBankRegisters } from "./context-bank.ts";
import {
  CBA2R_VA64,
  CBAR_S1_WEAKEST,
  CBAR_TYPE,
  SCTLR,
  TCR_EPD1,
  TCR2_AS,
  TCR2_SEP_UPSTREAM,
  VTCR_RES1,
} from "./registers.ts";

/**
 * What Linux's driver programs a context bank with. @see arm_smmu_init_context_bank, arm_smmu_write_context_bank
 * @param root where the first table lies
 */
export function contextBankRegisters(
  config: LpaeConfig,
  root: number,
  index: number,
  stall: boolean,
): ContextBankRegisters {
  const sctlr = SCTLR.CFIE | SCTLR.CFRE | SCTLR.AFE | SCTLR.TRE | SCTLR.M | (stall ? SCTLR.CFCFG : 0);
  const [low, high] = [root >>> 0, Math.floor(root / 2 ** 32)];
  if (config.stage === 2) {
    const fields = vtcrFields(config);
    return {
      cbar: CBAR_TYPE.S2_TRANS | (index + 1),
      cba2r: CBA2R_VA64,
      sctlr,
      tcr: (VTCR_RES1 | (fields.ps << 16) | (fields.sl << 6) | walkBits(fields)) >>> 0,
      tcr2: 0,
      ttbr0: [low, high],
      ttbr1: [0, 0],
      mair0: 0,
      mair1: 0,
    };
  }
  const fields = tcrFields(config);
  const asid = (index << 16) >>> 0;
  return {
    cbar: CBAR_TYPE.S1_TRANS_S2_BYPASS | CBAR_S1_WEAKEST,
    cba2r: CBA2R_VA64,
    sctlr: sctlr | SCTLR.S1_ASIDPNE,
    tcr: TCR_EPD1 | walkBits(fields),
    tcr2: TCR2_SEP_UPSTREAM | TCR2_AS | fields.ps,
    ttbr0: [low, (high | asid) >>> 0],
    ttbr1: [0, asid],
    mair0: MAIR,
    mair1: 0,
  };
}

/** TG0, SH0, ORGN0, IRGN0 and T0SZ, which TCR and VTCR have in the same places. */
const walkBits = ({ tg, sh, orgn, irgn, tsz }: WalkFields): number =>
  (tg << 14) | (sh << 12) | (orgn << 10) | (irgn << 8) | tsz;
