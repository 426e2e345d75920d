// SPDX-License-Identifier: MIT
import { CD } from "./cd.ts";
import type { Leaf } from "./stage-walk.ts";
import { SH } from "./ste.ts";

/**
 * What an entry of the TLB has besides the address: bits that are or-ed together, so that both stages fit into one entry.
 * Bits 11:9 hold the level at which the walk ended, bits 17:12 how large the page or block is.
 */
export const Attribute = {
  S1_READ_ONLY: 1 << 0,
  S1_PRIVILEGED: 1 << 1,
  S1_XN: 1 << 2,
  S2_NO_READ: 1 << 3,
  S2_NO_WRITE: 1 << 4,
  S2_XN: 1 << 5,
  /** The access does not snoop the CPU's caches, whatever the device wants. */
  NOT_SNOOPED: 1 << 6,
  /** The access snoops whatever the device wants: stage 1 gives it its attributes. */
  SNOOPED: 1 << 7,
  /** Stage 1: of one address space, not of all. */
  NOT_GLOBAL: 1 << 8,
} as const;

const LEVEL_SHIFT = 9;
const SIZE_SHIFT = 12;
/** The smallest page that there is. */
const PAGE = 4096;
const {
  S1_READ_ONLY,
  S1_PRIVILEGED,
  S1_XN,
  S2_NO_READ,
  S2_NO_WRITE,
  S2_XN,
  NOT_SNOOPED,
  SNOOPED,
  NOT_GLOBAL,
} = Attribute;

/** The level at which the walk of an entry ended. */
export const levelOf = (attributes: number): number => (attributes >> LEVEL_SHIFT) & 7;

/** Bytes of the page or block of an entry. */
export const sizeOf = (attributes: number): number => PAGE * 2 ** (attributes >> SIZE_SHIFT);

/** The level and size in their bits. */
const placed = (level: number, size: number): number =>
  (level << LEVEL_SHIFT) | (Math.log2(size / PAGE) << SIZE_SHIFT);

/** The Access flag, in bit 10 of either stage. @see Arm ARM "The Access flag" */
export const isAccessed = (low: number): boolean => (low & (1 << 10)) !== 0;

/** Attributes of a page or block of stage 1. @see Arm ARM "Translation table descriptor formats", MAIR_EL1 */
export function stage1Attributes({ low, high, level, size }: Leaf, cd: Uint32Array): number {
  const index = (low >> 2) & 7;
  const mair = CD.get(cd, index < 4 ? "MAIR0" : "MAIR1");
  const isCacheable = isWriteBack((mair >>> (8 * (index % 4))) & 0xff);
  const isShareable = ((low >> 8) & 3) >= SH.OSH;
  return (
    placed(level, size) |
    ((low & (1 << 7)) === 0 ? 0 : S1_READ_ONLY) |
    ((low & (1 << 6)) === 0 ? S1_PRIVILEGED : 0) |
    ((high & (1 << 22)) === 0 ? 0 : S1_XN) |
    ((low & (1 << 11)) === 0 ? 0 : NOT_GLOBAL) |
    (isCacheable && isShareable ? SNOOPED : NOT_SNOOPED)
  );
}

/** Attributes of a page or block of stage 2: it can take cacheability away, and cannot give it. @see Arm ARM "Combining stage 1 and stage 2 memory attributes" */
export function stage2Attributes({ low, high, level, size }: Leaf): number {
  return (
    placed(level, size) |
    ((low & (1 << 6)) === 0 ? S2_NO_READ : 0) |
    ((low & (1 << 7)) === 0 ? S2_NO_WRITE : 0) |
    ((high & (1 << 22)) === 0 ? 0 : S2_XN) |
    (((low >> 2) & 3) >= 2 && ((low >> 4) & 3) !== 0 ? 0 : NOT_SNOOPED)
  );
}

/** Both stages of a translation: the level is that of stage 1, the size that of the smaller page. */
export function combinedAttributes(stage1: number, stage2: number): number {
  const flags = (1 << LEVEL_SHIFT) - 1;
  const place = placed(levelOf(stage1), Math.min(sizeOf(stage1), sizeOf(stage2)));
  const both = ((stage1 | stage2) & flags) | place;
  return (both & NOT_SNOOPED) === 0 ? both : both & ~SNOOPED;
}

/** Whether the inner caches, which are the CPU's, take part: an attribute of MAIR with inner write-back or write-through. */
const isWriteBack = (attribute: number): boolean => attribute > 0x0f && (attribute & 0x0f) > 0x04;
