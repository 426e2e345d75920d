// SPDX-License-Identifier: MIT
import { CD } from "./cd.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { Config, EATS, S1Fmt, STE, STRW } from "./ste.ts";

/** Bits of an address by what IPS, PS and OAS say. */
const sizes: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

/** Output addresses of a CD's or an STE's IPS or S2PS are below this: never past what the SMMU itself can put out. */
export const outputEnd = (size: number, { outputBits }: SmmuFeatures): number =>
  2 ** Math.min(sizes[size] ?? 52, outputBits);

/** Whether the first stage is on. */
export const hasStage1 = (config: number): boolean => config === Config.S1_TRANS || config === Config.NESTED;
/** Whether the second stage is on. */
export const hasStage2 = (config: number): boolean => config === Config.S2_TRANS || config === Config.NESTED;

/** Whether an entry with V = 1 asks for what is reserved or not there: C_BAD_STE. @see Arm IHI 0070, 5.2 */
export function isSteIllegal(ste: Uint32Array, features: SmmuFeatures): boolean {
  const config = STE.get(ste, "Config");
  if (config < Config.BYPASS) return false;
  const eats = STE.get(ste, "EATS");
  if (eats > EATS.S1CHK || (eats === EATS.S1CHK && config !== Config.NESTED)) return true;
  if (hasStage1(config) && isStage1Illegal(ste, features)) return true;
  return hasStage2(config) && isStage2Illegal(ste, features);
}

function isStage1Illegal(ste: Uint32Array, { stage1, substreamBits, stall }: SmmuFeatures): boolean {
  if (!stage1) return true;
  const cdMax = STE.get(ste, "S1CDMax");
  if (cdMax > substreamBits) return true;
  if (cdMax > 0 && (STE.get(ste, "S1Fmt") > S1Fmt.L2_64K || STE.get(ste, "S1DSS") === 3)) return true;
  if (STE.get(ste, "S1STALLD") === 1 && !stall) return true;
  const strw = STE.get(ste, "STRW");
  return STE.get(ste, "Config") === Config.S1_TRANS && strw !== STRW.NSEL1 && strw !== STRW.EL2;
}

function isStage2Illegal(ste: Uint32Array, features: SmmuFeatures): boolean {
  if (!features.stage2 || STE.get(ste, "S2AA64") === 0) return true;
  if (STE.get(ste, "S2S") === 1 && !features.stall) return true;
  const tsz = STE.get(ste, "S2T0SZ");
  return (
    tsz < 12 || tsz > 39 || STE.get(ste, "S2TTB") >= 2 ** features.outputBits || STE.get(ste, "S2TG") === 3
  );
}

/** Whether a CD with V = 1 asks for what is reserved or not there: C_BAD_CD. @see Arm IHI 0070, 5.4 */
export function isCdIllegal(cd: Uint32Array, features: SmmuFeatures): boolean {
  if (CD.get(cd, "AA64") === 0) return true;
  if (CD.get(cd, "S") === 1 && !features.stall) return true;
  if (CD.get(cd, "EPD0") === 1) return false;
  const tsz = CD.get(cd, "T0SZ");
  const end = outputEnd(CD.get(cd, "IPS"), features);
  return tsz < 12 || tsz > 39 || CD.get(cd, "TG0") === 3 || CD.get(cd, "TTB0") >= end;
}
