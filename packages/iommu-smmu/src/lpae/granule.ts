// SPDX-License-Identifier: MIT

/** The size of the smallest page and of a table: what TG0 chooses. */
export type Granule = "4KiB" | "16KiB" | "64KiB";

/** log2 of the bytes of a granule. */
export const granuleShift: Readonly<Record<Granule, number>> = { "4KiB": 12, "16KiB": 14, "64KiB": 16 };

/**
 * The granule that a domain gets: the CPU's page size where the SMMU knows it, else the largest below, else the smallest above
 * (M-20). Null where the SMMU knows none. @see arm_lpae_restrict_pgsizes
 * @param pageSize of the CPU, in bytes
 */
export function chooseGranule(granules: readonly Granule[], pageSize: number): Granule | null {
  const ascending = [...granules].sort((a, b) => granuleShift[a] - granuleShift[b]);
  const notAbove = ascending.filter((granule) => 2 ** granuleShift[granule] <= pageSize);
  return notAbove.at(-1) ?? ascending[0] ?? null;
}
