// SPDX-License-Identifier: MIT
import type { Granule } from "./granule.ts";
import { type LpaeConfig, outputSizes } from "./lpae-config.ts";
import { lpaeLevels } from "./lpae-levels.ts";

/** Fields of TCR and VTCR that both have: what the walker has to know of the tables. */
export interface WalkFields {
  /** T0SZ: 64 less the bits of an input address. */
  readonly tsz: number;
  /** TG0: the granule. */
  readonly tg: number;
  /** IRGN0 and ORGN0: whether table reads are cacheable; 0 no, 1 write-back. */
  readonly irgn: number;
  readonly orgn: number;
  /** SH0: 2 outer, 3 inner shareable. */
  readonly sh: number;
  /** IPS of TCR, PS of VTCR: how wide an output address is. */
  readonly ps: number;
}

/** Fields of VTCR. */
export interface VtcrFields extends WalkFields {
  /** SL0: where the walk begins, counted differently for each granule. */
  readonly sl: number;
}

const tg0: Readonly<Record<Granule, number>> = { "4KiB": 0, "64KiB": 1, "16KiB": 2 };

/** TCR of a stage 1. @see arm_64_lpae_alloc_pgtable_s1, Arm ARM TCR_EL1 */
export function tcrFields({ granule, inputBits, outputBits, coherentWalk }: LpaeConfig): WalkFields {
  const region = coherentWalk ? 1 : 0;
  return {
    tsz: 64 - inputBits,
    tg: tg0[granule],
    irgn: region,
    orgn: region,
    sh: coherentWalk ? 3 : 2,
    ps: outputSizes.indexOf(outputBits),
  };
}

/** VTCR of a stage 2. @see arm_64_lpae_alloc_pgtable_s2, Arm ARM VTCR_EL2 */
export function vtcrFields(config: LpaeConfig): VtcrFields {
  const start = lpaeLevels(config)[0]?.level ?? 0;
  const fromLast = config.granule === "4KiB" ? 2 - start : 3 - start;
  return { ...tcrFields(config), sl: fromLast };
}
