// SPDX-License-Identifier: MIT
import type { Granule } from "../../src/lpae/granule.ts";
import type { LpaeConfig } from "../../src/lpae/lpae-config.ts";

/** Tables of a stage, 48 bits on both sides and a walker that snoops unless that is said otherwise. */
export const config = (
  stage: 1 | 2,
  granule: Granule = "4KiB",
  more: Partial<LpaeConfig> = {},
): LpaeConfig => ({
  stage,
  granule,
  inputBits: 48,
  outputBits: 48,
  coherentWalk: true,
  ...more,
});
