// SPDX-License-Identifier: MIT

/** What an access to memory may do on its way: nothing, be merged, or be kept in caches. */
export type MemoryType = "device" | "normal-nc" | "normal-wb";

/** How far caches agree: with nobody, with all of the outer or of the inner shareable domain. */
export type Shareability = "non" | "outer" | "inner";

/** Which attribute of MAIR a mapping of stage 1 has (M-27). @see ARM_LPAE_MAIR_ATTR_IDX_NC */
export const AttrIndx = { NC: 0, CACHE: 1, DEV: 2, INC_OCACHE: 3 } as const;

/** Attributes of MAIR: Normal non-cacheable; write-back; Device-nGnRE; inner non-cacheable, outer write-back. @see Arm ARM MAIR_EL1 */
const attributes = [0x44, 0xff, 0x04, 0xf4] as const;

/** MAIR of every stage 1, its low word; the high one is 0. */
export const MAIR = attributes.reduce((value, attribute, i) => (value | (attribute << (8 * i))) >>> 0, 0);

/** The type that a stage 1 descriptor's AttrIndx chooses. */
export function stage1Type(index: number): MemoryType {
  const attribute = attributes[index] ?? 0;
  if (attribute < 0x10) return "device";
  return attribute === 0xff ? "normal-wb" : "normal-nc";
}

/** The type that a stage 2 descriptor's MemAttr says: 00xx device, 1111 write-back in both, else not in all caches. @see Arm ARM D8.6 */
export function stage2Type(memAttr: number): MemoryType {
  if (memAttr < 4) return "device";
  return memAttr === 0xf ? "normal-wb" : "normal-nc";
}

/** What SH[1:0] says; 1 is reserved. @see Arm ARM D8.6 */
export const shareabilityOf = (sh: number): Shareability => (sh === 3 ? "inner" : sh === 2 ? "outer" : "non");
