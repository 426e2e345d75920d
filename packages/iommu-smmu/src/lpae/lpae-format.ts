// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";
import { granuleShift } from "./granule.ts";
import { type LeafAttributes, stage1, stage2 } from "./leaf-attributes.ts";
import type { LpaeConfig } from "./lpae-config.ts";
import { lpaeLevels } from "./lpae-levels.ts";

/** Bits 1:0: valid, and a table or a page rather than a block. */
const VALID = 1;
const TABLE_OR_PAGE = 2;
const LAST_LEVEL = 3;
/** Bit 55, in the high word: Linux's note that a table was cleaned for a walker that does not snoop (M-30). @see ARM_LPAE_PTE_SW_SYNC */
const SW_SYNC = 1 << 23;
const WORD = 2 ** 32;

/** VMSAv8-64 tables, and what a page or block of theirs says. */
export interface LpaeFormat extends TableFormat {
  readonly config: LpaeConfig;
  /** The level at which the walk begins. */
  readonly startLevel: number;
  /** What a page or block says besides the address. */
  attributesOf(low: number, high: number): LeafAttributes;
}

/**
 * The format of AArch64 page tables, stage 1 or 2, as Linux's `ARM_64_LPAE_S1` and `ARM_64_LPAE_S2` write it: AF always set, nG
 * always set in stage 1, the contiguous hint never (M-27 to M-29). Writing a page without `READ` and `WRITE` throws `KernelError`
 * EINVAL (M-25). @see Arm ARM D8.3 "Translation table descriptor formats", io-pgtable-arm.c
 */
export function lpaeFormat(config: LpaeConfig): LpaeFormat {
  const { stage, granule, inputBits, outputBits, coherentWalk } = config;
  const levels = lpaeLevels(config);
  const startLevel = LAST_LEVEL + 1 - levels.length;
  const sizeOf = (level: number): number => 2 ** (levels[level - startLevel]?.shift ?? 0);
  const encoding = stage === 1 ? stage1 : stage2;
  const pack = granule === "64KiB" ? wideAddress : plainAddress;
  const granuleBytes = 2 ** granuleShift[granule];

  const kindOf = (low: number, _high: number, level: number): number => {
    if ((low & VALID) === 0) return Descriptor.INVALID;
    const tableOrPage = (low & TABLE_OR_PAGE) !== 0;
    if (level === LAST_LEVEL) return tableOrPage ? Descriptor.LEAF : Descriptor.INVALID;
    if (tableOrPage) return Descriptor.TABLE;
    return levels[level - startLevel]?.leaf === true ? Descriptor.LEAF : Descriptor.INVALID;
  };

  return {
    name: `AArch64 stage ${stage}, ${granule} granule, ${inputBits} to ${outputBits} bits`,
    config,
    startLevel,
    descriptorBytes: 8,
    levels,
    outputEnd: 2 ** outputBits,
    kindOf,
    addressOf(low, high, level) {
      const size = kindOf(low, high, level) === Descriptor.TABLE ? granuleBytes : sizeOf(level);
      const address = pack.read(low, high);
      return address - (address % size);
    },
    protOf: (low, high) => encoding.protOf(low, high),
    attributesOf: (low, high) => encoding.attributesOf(low, high),
    writeLeaves(words, at, count, level, address, prot) {
      if ((prot & (IommuProt.READ | IommuProt.WRITE)) === 0)
        throw new KernelError("EINVAL", "iommu_map", "a page that can be neither read nor written");
      const low = encoding.low(prot) | VALID | (level === LAST_LEVEL ? TABLE_OR_PAGE : 0);
      const high = encoding.high(prot);
      const size = sizeOf(level);
      for (let i = 0; i < count; i++) {
        const page = address + i * size;
        words[at + 2 * i] = low | pack.low(page);
        words[at + 2 * i + 1] = high | pack.high(page);
      }
    },
    writeTable(words, at, _level, address) {
      words[at] = VALID | TABLE_OR_PAGE | pack.low(address);
      words[at + 1] = pack.high(address) | (coherentWalk ? 0 : SW_SYNC);
    },
  };
}

/** Where the address is in a descriptor: bits 47:12. */
const plainAddress = {
  low: (address: number): number => address >>> 0,
  high: (address: number): number => Math.floor(address / WORD),
  read: (low: number, high: number): number => (high & 0xffff) * WORD + ((low & 0xffff_f000) >>> 0),
};

/** With the 64 KiB granule: bits 47:16, and bits 51:48 of the address in bits 15:12. @see Arm ARM D8.3 */
const wideAddress = {
  low: (address: number): number => (address >>> 0) | (Math.floor(address / 2 ** 48) << 12),
  high: (address: number): number => Math.floor(address / WORD) & 0xffff,
  read: (low: number, high: number): number =>
    ((low >>> 12) & 0xf) * 2 ** 48 + (high & 0xffff) * WORD + ((low & 0xffff_0000) >>> 0),
};
