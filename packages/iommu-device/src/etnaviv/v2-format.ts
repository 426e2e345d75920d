// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";

const { READ, WRITE } = IommuProt;
const PRESENT = 1 << 0;
const EXCEPTION = 1 << 1;
const WRITEABLE = 1 << 2;

/**
 * The tables of etnaviv's MMUv2: a master TLB (MTLB) whose 1024 entries each stand for 4 MiB and point to a slave TLB
 * (STLB) of 1024 pages of 4 KiB. Of a page's 40-bit address, bits 39 to 32 are in bits 11 to 4. What maps nothing has
 * EXCEPTION alone.
 * @see MMUv2_PTE_PRESENT in etnaviv_iommu_v2.c
 */
export const etnavivV2Format: TableFormat = {
  name: "etnaviv MMUv2",
  descriptorBytes: 4,
  levels: [
    { level: 0, shift: 22, bits: 10, leaf: false },
    { level: 1, shift: 12, bits: 10, leaf: true },
  ],
  outputEnd: 2 ** 40,
  kindOf(low, _high, level) {
    if ((low & PRESENT) === 0) return Descriptor.INVALID;
    return level === 0 ? Descriptor.TABLE : Descriptor.LEAF;
  },
  addressOf(low, _high, level) {
    const base = (low & 0xffff_f000) >>> 0;
    return level === 0 ? base : base + ((low >>> 4) & 0xff) * 2 ** 32;
  },
  protOf: (low) => ((low & WRITEABLE) === 0 ? READ : READ | WRITE),
  writeLeaves(words, at, count, _level, address, prot) {
    const flags = (prot & WRITE) === 0 ? PRESENT : PRESENT | WRITEABLE;
    for (let i = 0; i < count; i++) {
      const page = address + i * 4096;
      words[at + i] = (page % 2 ** 32) + Math.floor(page / 2 ** 32) * 16 + flags;
    }
  },
  writeTable(words, at, _level, address) {
    words[at] = address + PRESENT;
  },
  writeInvalid(words, at, count) {
    words.fill(EXCEPTION, at, at + count);
  },
};
