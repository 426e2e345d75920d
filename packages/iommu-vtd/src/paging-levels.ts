// SPDX-License-Identifier: MIT
import type { TableLevel } from "@dmabuf/core/iommu";

/** Bits of an address that are translated: by 3, 4 or 5 levels. */
export type AddressWidth = 39 | 48 | 57;

/** What can be mapped with one entry besides 4 KiB (SLLPS, FL1GP in the capability registers). */
export type Superpage = "2MiB" | "1GiB";

/** Page (PT), page directory (PD), page-directory pointer (PDP): where a page can be mapped. */
const leaves: Readonly<Record<number, Superpage>> = { 2: "2MiB", 3: "1GiB" };

/** Levels that translate so many bits: tables of 512 entries, level 1 that of the pages. */
export const levelsOf = (width: AddressWidth): number => (width - 12) / 9;

/** The levels of both formats, from the root on (VT-d 3.6, 3.7): each stands for nine bits. */
export function pagingLevels(width: AddressWidth, superpages: readonly Superpage[]): TableLevel[] {
  const count = levelsOf(width);
  return Array.from({ length: count }, (_, depth) => {
    const level = count - depth;
    const superpage = leaves[level];
    const leaf = level === 1 || (superpage !== undefined && superpages.includes(superpage));
    return { level, shift: 12 + 9 * (level - 1), bits: 9, leaf };
  });
}
