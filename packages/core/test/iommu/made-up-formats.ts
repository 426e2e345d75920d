// SPDX-License-Identifier: MIT
import { Descriptor, type TableFormat, type TableLevel } from "../../src/iommu.ts";

/** What a leaf of the made-up formats keeps of the flags. */
const PROT = 0x3f;

/**
 * One word: the address above bit 12, what is allowed in bits 0 to 5, bit 8 a page or block, bit 9 a table.
 * @param leaves which levels have pages or blocks
 */
function oneWord(name: string, levels: readonly TableLevel[]): TableFormat {
  const sizeAt = sizes(levels);
  return {
    name,
    descriptorBytes: 4,
    levels,
    outputEnd: 2 ** 32,
    kindOf: (low) =>
      (low & 0x100) !== 0 ? Descriptor.LEAF : (low & 0x200) !== 0 ? Descriptor.TABLE : Descriptor.INVALID,
    addressOf: (low) => (low & 0xffff_f000) >>> 0,
    protOf: (low) => low & PROT,
    writeLeaves(words, at, count, level, address, prot) {
      for (let i = 0; i < count; i++) words[at + i] = address + i * sizeAt(level) + 0x100 + (prot & PROT);
    },
    writeTable(words, at, _level, address) {
      words[at] = address + 0x200;
    },
  };
}

/**
 * Two words, nothing in the same place as in the others: the page frame's bits 0 to 19 in the upper 20 bits of the high word, the
 * rest in the low one from bit 8 on, the kind in bits 0 and 1 of the high word, flags from bit 2 on.
 */
function twoWords(name: string, levels: readonly TableLevel[]): TableFormat {
  const sizeAt = sizes(levels);
  const write = (words: Uint32Array, at: number, address: number, kind: number, prot: number): void => {
    const frame = address / 4096;
    words[at] = Math.floor(frame / 2 ** 20) * 256;
    words[at + 1] = (frame % 2 ** 20) * 4096 + prot * 4 + kind;
  };
  return {
    name,
    descriptorBytes: 8,
    levels,
    outputEnd: 2 ** 48,
    kindOf: (_low, high) => [Descriptor.INVALID, Descriptor.LEAF, Descriptor.TABLE][high & 3] as number,
    addressOf: (low, high) => (Math.floor(low / 256) * 2 ** 20 + (high >>> 12)) * 4096,
    protOf: (_low, high) => (high >>> 2) & PROT,
    writeLeaves(words, at, count, level, address, prot) {
      for (let i = 0; i < count; i++) write(words, at + 2 * i, address + i * sizeAt(level), 1, prot & PROT);
    },
    writeTable(words, at, _level, address) {
      write(words, at, address, 2, 0);
    },
  };
}

const sizes =
  (levels: readonly TableLevel[]) =>
  (level: number): number =>
    2 ** (levels.find((each) => each.level === level)?.shift ?? 0);

/** Small enough that random steps meet: 64 pages, blocks of 4 and 16 of them, levels counted as VT-d does. */
export const tiny64 = twoWords("tiny, two words", [
  { level: 3, shift: 16, bits: 2, leaf: true },
  { level: 2, shift: 14, bits: 2, leaf: true },
  { level: 1, shift: 12, bits: 2, leaf: true },
]);

/** The same with one word, and a root that has no blocks. */
export const tiny32 = oneWord("tiny, one word", [
  { level: 0, shift: 17, bits: 1, leaf: false },
  { level: 1, shift: 15, bits: 2, leaf: true },
  { level: 2, shift: 12, bits: 3, leaf: true },
]);

/** The same, where what maps nothing is not zero. */
export const tinyMarked: TableFormat = {
  ...tiny32,
  name: "tiny, one word, and one that maps nothing",
  writeInvalid: (words, at, count, level) => words.fill(0x400 + level, at, at + count),
};

/** As large as 32-bit Arm's: 4 GiB, pages of 4 KiB and sections of 1 MiB. */
export const twoLevel32 = oneWord("two levels of 32 bits", [
  { level: 1, shift: 20, bits: 12, leaf: true },
  { level: 2, shift: 12, bits: 8, leaf: true },
]);

/** As large as 64-bit ones: 48 bits, pages of 4 KiB, blocks of 2 MiB and 1 GiB. */
export const fourLevel64 = twoWords("four levels of 64 bits", [
  { level: 0, shift: 39, bits: 9, leaf: false },
  { level: 1, shift: 30, bits: 9, leaf: true },
  { level: 2, shift: 21, bits: 9, leaf: true },
  { level: 3, shift: 12, bits: 9, leaf: true },
]);

/** 4 GiB as x86's without PAE: pages of 4 KiB and blocks of 4 MiB. */
export const halves32 = oneWord("two levels of 1024", [
  { level: 0, shift: 22, bits: 10, leaf: true },
  { level: 1, shift: 12, bits: 10, leaf: true },
]);

/** Sixteen pages, and blocks of four of them. */
export const sixteen32 = oneWord("sixteen pages", [
  { level: 1, shift: 14, bits: 2, leaf: true },
  { level: 2, shift: 12, bits: 2, leaf: true },
]);
