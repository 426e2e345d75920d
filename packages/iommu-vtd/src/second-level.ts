// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import { type AddressWidth, pagingLevels, type Superpage } from "./paging-levels.ts";

const { READ, WRITE, CACHE } = IommuProt;

/** Bits of a second-level entry. TM (62), for the device TLB, and the nested EMT and IPAT stay 0. */
const SL = {
  /** Read. @see DMA_PTE_READ */
  R: 1 << 0,
  /** Write. @see DMA_PTE_WRITE */
  W: 1 << 1,
  /** A page in a PDE or PDPE. @see DMA_PTE_LARGE_PAGE */
  PS: 1 << 7,
  /** Accesses snoop, whatever they ask for; reserved where the hardware has no Snoop Control. @see DMA_PTE_SNP */
  SNP: 1 << 11,
} as const;

/**
 * Second-level page tables (VT-d 9.8; called second-stage from revision 3.3 on): 64-bit entries of which R and W say what is
 * allowed. An entry with neither is not present. `IommuProt.CACHE` is SNP. A table allows both; pages decide.
 * @param outputBits host address width: bits of the addresses that come out
 */
export function secondLevel(
  width: AddressWidth,
  superpages: readonly Superpage[],
  outputBits = 52,
): TableFormat {
  return {
    name: `VT-d second-level, ${width} bits`,
    descriptorBytes: 8,
    levels: pagingLevels(width, superpages),
    outputEnd: 2 ** outputBits,
    kindOf(low, _high, level) {
      if ((low & (SL.R | SL.W)) === 0) return Descriptor.INVALID;
      return level === 1 || (low & SL.PS) !== 0 ? Descriptor.LEAF : Descriptor.TABLE;
    },
    addressOf: addressIn,
    protOf: (low) =>
      ((low & SL.R) === 0 ? 0 : READ) | ((low & SL.W) === 0 ? 0 : WRITE) | ((low & SL.SNP) === 0 ? 0 : CACHE),
    writeLeaves(words, at, count, level, address, prot) {
      const size = 2 ** (12 + 9 * (level - 1));
      const flags =
        ((prot & READ) === 0 ? 0 : SL.R) |
        ((prot & WRITE) === 0 ? 0 : SL.W) |
        ((prot & CACHE) === 0 ? 0 : SL.SNP) |
        (level === 1 ? 0 : SL.PS);
      for (let i = 0; i < count; i++) {
        const to = address + i * size;
        words[at + 2 * i] = lowWord(to) + flags;
        words[at + 2 * i + 1] = highWord(to);
      }
    },
    writeTable(words, at, _level, address) {
      words[at] = lowWord(address) + (SL.R | SL.W);
      words[at + 1] = highWord(address);
    },
  };
}
