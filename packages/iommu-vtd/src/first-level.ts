// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import { type AddressWidth, pagingLevels, type Superpage } from "./paging-levels.ts";

const { READ, WRITE, NOEXEC, PRIV } = IommuProt;

/** Bits of a first-level entry: those of the CPU's page tables (SDM 3A, 4.5). PWT (3), PCD (4), PAT and G stay 0. */
const FL = {
  P: 1 << 0,
  RW: 1 << 1,
  /** User accesses, which all are that say nothing of privilege. */
  US: 1 << 2,
  /** Accessed: set by hardware, and by software beforehand, so that hardware need not write. */
  A: 1 << 5,
  /** Dirty. */
  D: 1 << 6,
  /** A page in a PDE or PDPE. */
  PS: 1 << 7,
} as const;

/** Execute-disable, in the high word. */
const XD = 2 ** 31;

/**
 * First-level page tables (VT-d 9.7; called first-stage from revision 3.3 on), which are those of x86. What is present can be
 * read. A and D are set in advance, as Linux does it. `IommuProt.CACHE` is not in them: the PASID entry has it (PGSNP).
 * @param outputBits host address width: bits of the addresses that come out
 */
export function firstLevel(
  width: Exclude<AddressWidth, 39>,
  superpages: readonly Superpage[],
  outputBits = 52,
): TableFormat {
  return {
    name: `VT-d first-level, ${width} bits`,
    descriptorBytes: 8,
    levels: pagingLevels(width, superpages),
    outputEnd: 2 ** outputBits,
    kindOf(low, _high, level) {
      if ((low & FL.P) === 0) return Descriptor.INVALID;
      return level === 1 || (low & FL.PS) !== 0 ? Descriptor.LEAF : Descriptor.TABLE;
    },
    addressOf: addressIn,
    protOf: (low, high) =>
      READ | ((low & FL.RW) === 0 ? 0 : WRITE) | ((low & FL.US) === 0 ? PRIV : 0) | (high >= XD ? NOEXEC : 0),
    writeLeaves(words, at, count, level, address, prot) {
      const size = 2 ** (12 + 9 * (level - 1));
      const flags =
        FL.P |
        FL.A |
        ((prot & WRITE) === 0 ? 0 : FL.RW | FL.D) |
        ((prot & PRIV) === 0 ? FL.US : 0) |
        (level === 1 ? 0 : FL.PS);
      const top = (prot & NOEXEC) === 0 ? 0 : XD;
      for (let i = 0; i < count; i++) {
        const to = address + i * size;
        words[at + 2 * i] = lowWord(to) + flags;
        words[at + 2 * i + 1] = highWord(to) + top;
      }
    },
    writeTable(words, at, _level, address) {
      words[at] = lowWord(address) + (FL.P | FL.RW | FL.US | FL.A);
      words[at + 1] = highWord(address);
    },
  };
}
