// SPDX-License-Identifier: MIT

/** Generations of integrated graphics whose remapping unit does not work as it should. */
export type IgfxQuirk = "g4x" | "ironlake" | "broadwell";

/**
 * What Linux does about the graphics unit of a generation: `off` leaves it off, so that the GPU runs untranslated; `strict` never
 * flushes lazily. Ironlake's is off as well where firmware has set no shadow page table aside: say `igfxOff` then.
 * @see quirk_iommu_igfx, quirk_calpella_no_shadow_gtt
 */
export const igfxQuirks: Readonly<Record<IgfxQuirk, "off" | "strict">> = {
  g4x: "off",
  ironlake: "strict",
  broadwell: "off",
};
