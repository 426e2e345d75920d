// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";

const { READ, WRITE, CACHE, NOEXEC, MMIO } = IommuProt;
const BLOCK = 1;
const TABLE = 3;
const TYPE = 3;
const ATTRINDX_CACHE = 1 << 2;
const ATTRINDX_DEVICE = 2 << 2;
const HAP_READ = 1 << 6;
const HAP_WRITE = 2 << 6;
const SH_OUTER = 2 << 8;
/** Bits 54 and 53, in the high word. */
const XN = 3 << 21;
/** Bits 39 to 32 of an address, in the high word. */
const HIGH_ADDRESS = 0xff;

/**
 * The tables of Mali's Midgard and Bifrost: four levels like Arm's LPAE with 4 KiB granule, but permissions as in stage
 * 2, no access flag, always outer shareable (which is what lies outside of the GPU), and a page at level 3 is marked as
 * a block. The driver uses pages of 4 KiB and blocks of 2 MiB. Writing a page without
 * `READ` and `WRITE` throws `KernelError` EINVAL (M-25).
 * @see ARM_MALI_LPAE in io-pgtable-arm.c, get_pgsize in panfrost_mmu.c
 */
export const maliLpaeFormat: TableFormat = {
  name: "Mali LPAE",
  descriptorBytes: 8,
  levels: [
    { level: 0, shift: 39, bits: 9, leaf: false },
    { level: 1, shift: 30, bits: 9, leaf: false },
    { level: 2, shift: 21, bits: 9, leaf: true },
    { level: 3, shift: 12, bits: 9, leaf: true },
  ],
  outputEnd: 2 ** 40,
  kindOf(low, _high, level) {
    const type = low & TYPE;
    if (type === BLOCK && level >= 2) return Descriptor.LEAF;
    return type === TABLE && level < 3 ? Descriptor.TABLE : Descriptor.INVALID;
  },
  addressOf: (low, high) => (high & HIGH_ADDRESS) * 2 ** 32 + ((low & 0xffff_f000) >>> 0),
  protOf(low, high) {
    const attributes = low & (ATTRINDX_CACHE | ATTRINDX_DEVICE);
    return (
      ((low & HAP_READ) === 0 ? 0 : READ) |
      ((low & HAP_WRITE) === 0 ? 0 : WRITE) |
      (attributes === ATTRINDX_CACHE ? CACHE : 0) |
      (attributes === ATTRINDX_DEVICE ? MMIO : 0) |
      ((high & XN) === 0 ? 0 : NOEXEC)
    );
  },
  writeLeaves(words, at, count, level, address, prot) {
    if ((prot & (READ | WRITE)) === 0)
      throw new KernelError("EINVAL", "iommu_map", "a page that can be neither read nor written");
    const size = level === 2 ? 2 ** 21 : 2 ** 12;
    const low =
      BLOCK |
      SH_OUTER |
      ((prot & READ) === 0 ? 0 : HAP_READ) |
      ((prot & WRITE) === 0 ? 0 : HAP_WRITE) |
      ((prot & MMIO) !== 0 ? ATTRINDX_DEVICE : (prot & CACHE) !== 0 ? ATTRINDX_CACHE : 0);
    const high = (prot & NOEXEC) === 0 ? 0 : XN;
    for (let i = 0; i < count; i++) {
      const page = address + i * size;
      words[at + i * 2] = (page % 2 ** 32) + low;
      words[at + i * 2 + 1] = Math.floor(page / 2 ** 32) + high;
    }
  },
  writeTable(words, at, _level, address) {
    words[at] = (address % 2 ** 32) + TABLE;
    words[at + 1] = Math.floor(address / 2 ** 32);
  },
};
