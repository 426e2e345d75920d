// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";

const { READ, WRITE } = IommuProt;
const FRAME = 2 ** 24 - 1;
const SUPERPAGE = 2 ** 31;
const BIGPAGE = 2 ** 30;
const WRITEABLE = 2 ** 29;
const VALID = 2 ** 28;
/** Descriptors of a superpage and of a big page. */
const SUPERPAGES = 256;
const BIGPAGES = 16;

const has = (word: number, bit: number): boolean => Math.floor(word / bit) % 2 === 1;

/** Bytes that the TLB keeps as one, of a page whose descriptor that is. */
export const v3dBlockSize = (pte: number): number =>
  4096 * (has(pte, SUPERPAGE) ? SUPERPAGES : has(pte, BIGPAGE) ? BIGPAGES : 1);

/**
 * The table of Broadcom's V3D: 1 Mi page frame numbers of 24 bits, one a page of 4 KiB, with WRITEABLE and VALID. All
 * 256 of a superpage of 1 MiB say so, and all 16 of a big page of 64 KiB; those are written from Linux 6.13 on. Where a
 * part of one is unmapped, the rest is small pages; no driver does that.
 * @see v3d_mmu_insert_ptes
 */
export const v3dFormat: TableFormat = {
  name: "V3D",
  descriptorBytes: 4,
  levels: [{ level: 0, shift: 12, bits: 20, leaf: true }],
  outputEnd: 2 ** 36,
  kindOf: (pte) => (has(pte, VALID) ? Descriptor.LEAF : Descriptor.INVALID),
  addressOf: (pte) => (pte & FRAME) * 4096,
  protOf: (pte) => (has(pte, WRITEABLE) ? READ | WRITE : READ),
  writeLeaves(words, at, count, _level, address, prot) {
    const flags = (prot & WRITE) === 0 ? VALID : VALID + WRITEABLE;
    for (let i = 0; i < count; ) {
      const frame = address / 4096 + i;
      const fits = (pages: number): boolean =>
        count - i >= pages && (at + i) % pages === 0 && frame % pages === 0;
      const pages = fits(SUPERPAGES) ? SUPERPAGES : fits(BIGPAGES) ? BIGPAGES : 1;
      const size = pages === SUPERPAGES ? SUPERPAGE : pages === BIGPAGES ? BIGPAGE : 0;
      for (let page = 0; page < pages; page++) words[at + i + page] = frame + page + flags + size;
      i += pages;
    }
  },
  writeTable() {
    throw new TypeError("V3D has one table");
  },
  writeInvalid(words, at, count) {
    for (const edge of [at, at + count - 1]) {
      const pages = v3dBlockSize(words[edge] as number) / 4096;
      if (pages > 1) shatter(words, edge - (edge % pages), pages);
    }
    words.fill(0, at, at + count);
  },
};

/** Makes small pages of a large one. */
function shatter(words: Uint32Array, at: number, pages: number): void {
  for (let i = at; i < at + pages; i++) words[i] = (words[i] as number) % BIGPAGE;
}
