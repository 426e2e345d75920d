// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";

/**
 * The table of etnaviv's MMUv1: 512 Ki physical addresses of 32 bits, one a page of 4 KiB, and nothing else. There is
 * no valid bit and no permission: what maps nothing holds the address of the bad page.
 * @param badPage where that lies
 * @see PT_ENTRIES in etnaviv_iommu.c
 */
export const etnavivV1Format = (badPage: number): TableFormat => ({
  name: "etnaviv MMUv1",
  descriptorBytes: 4,
  levels: [{ level: 0, shift: 12, bits: 19, leaf: true }],
  outputEnd: 2 ** 32,
  kindOf: (low) => (low === badPage ? Descriptor.INVALID : Descriptor.LEAF),
  addressOf: (low) => low,
  protOf: () => IommuProt.READ | IommuProt.WRITE,
  writeLeaves(words, at, count, _level, address) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * 4096;
  },
  writeTable() {
    throw new TypeError("etnaviv MMUv1 has one table");
  },
  writeInvalid(words, at, count) {
    words.fill(badPage, at, at + count);
  },
});
