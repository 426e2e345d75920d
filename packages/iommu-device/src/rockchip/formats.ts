// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";

const { READ, WRITE } = IommuProt;
const VALID = 1 << 0;
const READABLE = 1 << 1;
const WRITABLE = 1 << 2;
const ADDRESS = 0xffff_f000;

/**
 * What the versions of the format have in common: two levels of 1024 descriptors; what is unmapped only loses its valid
 * bit.
 */
const twoLevels = (
  name: string,
  outputEnd: number,
  encode: (address: number) => number,
  decode: (descriptor: number) => number,
  flagsOf: (prot: number) => number,
): TableFormat => ({
  name,
  outputEnd,
  descriptorBytes: 4,
  levels: [
    { level: 1, shift: 22, bits: 10, leaf: false },
    { level: 2, shift: 12, bits: 10, leaf: true },
  ],
  kindOf(low, _high, level) {
    if ((low & VALID) === 0) return Descriptor.INVALID;
    return level === 1 ? Descriptor.TABLE : Descriptor.LEAF;
  },
  addressOf: decode,
  protOf: (low) => ((low & READABLE) === 0 ? 0 : READ) | ((low & WRITABLE) === 0 ? 0 : WRITE),
  writeLeaves(words, at, count, _level, address, prot) {
    const flags = VALID | flagsOf(prot);
    for (let i = 0; i < count; i++) words[at + i] = encode(address + i * 4096) + flags;
  },
  writeTable(words, at, _level, address) {
    words[at] = encode(address) + VALID;
  },
  writeInvalid(words, at, count) {
    for (let i = at; i < at + count; i++) words[i] = ((words[i] as number) & ~VALID) >>> 0;
  },
});

const readOrWrite = (prot: number): number =>
  ((prot & READ) === 0 ? 0 : READABLE) | ((prot & WRITE) === 0 ? 0 : WRITABLE);
const plain = (low: number): number => (low & ADDRESS) >>> 0;

/** Rockchip's IOMMU of the first version: everything lies below 4 GiB. @see rk_mk_pte */
export const rockchipV1Format = twoLevels("Rockchip IOMMU v1", 2 ** 32, (at) => at, plain, readOrWrite);

/**
 * The second version: bits 35 to 32 of an address are in bits 11 to 8, bits 39 to 36 in bits 7 to 4.
 * @see rk_mk_pte_v2, rk_mk_dte_v2
 */
export const rockchipV2Format = twoLevels("Rockchip IOMMU v2", 2 ** 40, encodeV2, decodeV2, readOrWrite);

/** OVERRIDE_CACHE, WRITE_CACHEABLE, WRITE_BUFFERABLE, READ_CACHEABLE and READ_ALLOCATE. @see LIMA_VM_FLAGS_CACHE */
const LIMA_CACHE = 0x1d8;

/** Mali-400 and 450, from which Rockchip's has its tables; the GPU's driver asks for its cache. @see lima_vm.c */
export const limaFormat = twoLevels(
  "Mali-400 MMU",
  2 ** 32,
  (at) => at,
  plain,
  (prot) => readOrWrite(prot) | LIMA_CACHE,
);

function encodeV2(address: number): number {
  const high = Math.floor(address / 2 ** 32);
  return (address % 2 ** 32) + (high & 0xf) * 2 ** 8 + (high >>> 4) * 2 ** 4;
}

function decodeV2(low: number): number {
  const high = ((low >>> 8) & 0xf) + ((low >>> 4) & 0xf) * 16;
  return plain(low) + high * 2 ** 32;
}
