// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, type TableFormat } from "@dmabuf/core/iommu";
import { LOCAL } from "../private-mmu.ts";

const { READ, WRITE, CACHE, NOEXEC } = IommuProt;
const VALID = 1 << 0;
const SYSTEM = 1 << 1;
const SNOOPED = 1 << 2;
const EXECUTABLE = 1 << 4;
const READABLE = 1 << 5;
const WRITEABLE = 1 << 6;
/** log2 of the pages of a fragment, in bits 11 to 7. */
const FRAGMENT = 7;
/** 16 pages: 64 KiB. */
const FRAGMENT_64K = 4;
/** Bit 54, in the high word: a directory's entry that is a page. */
const PDE_PTE = 1 << 22;

/** log2 of the pages that a page's descriptor says that it is one with. */
export const fragmentOf = (low: number): number => (low >>> FRAGMENT) & 0x1f;

/**
 * The page tables of a large GPU, one tree a process: 48 bits in four levels, 4 KiB pages, fragments of 64 KiB, pages
 * of 2 MiB. Every page says whether its accesses are snooped (SNOOPED, D22), and whether it lies behind the bus
 * (SYSTEM) or in the GPU's own memory. The bits lie where AMD's GFX9 has them, whose driver uses fragments of other
 * sizes, too.
 * @see AMDGPU_PTE_VALID in amdgpu_vm.h
 */
export const gpuPageTable: TableFormat = {
  name: "GPU page table",
  descriptorBytes: 8,
  levels: [
    { level: 3, shift: 39, bits: 9, leaf: false },
    { level: 2, shift: 30, bits: 9, leaf: false },
    { level: 1, shift: 21, bits: 9, leaf: true },
    { level: 0, shift: 12, bits: 9, leaf: true },
  ],
  outputEnd: 2 ** 48,
  kindOf(low, high, level) {
    if ((low & VALID) === 0) return Descriptor.INVALID;
    return level === 0 || (high & PDE_PTE) !== 0 ? Descriptor.LEAF : Descriptor.TABLE;
  },
  addressOf: (low, high) => (high & 0xffff) * 2 ** 32 + ((low & 0xffff_f000) >>> 0),
  protOf: (low) =>
    ((low & READABLE) === 0 ? 0 : READ) |
    ((low & WRITEABLE) === 0 ? 0 : WRITE) |
    ((low & SNOOPED) === 0 ? 0 : CACHE) |
    ((low & SYSTEM) === 0 ? LOCAL : 0) |
    ((low & EXECUTABLE) === 0 ? NOEXEC : 0),
  writeLeaves(words, at, count, level, address, prot) {
    const size = level === 0 ? 2 ** 12 : 2 ** 21;
    const flags =
      VALID |
      ((prot & LOCAL) === 0 ? SYSTEM : 0) |
      ((prot & CACHE) === 0 ? 0 : SNOOPED) |
      ((prot & NOEXEC) === 0 ? EXECUTABLE : 0) |
      ((prot & READ) === 0 ? 0 : READABLE) |
      ((prot & WRITE) === 0 ? 0 : WRITEABLE);
    const pages = 2 ** FRAGMENT_64K;
    for (let i = 0; i < count; i++) {
      const page = address + i * size;
      const whole = i - ((at / 2 + i) % pages);
      const fragment =
        level === 0 && whole >= 0 && whole + pages <= count && (page / size) % pages === i - whole;
      words[at + i * 2] = (page % 2 ** 32) + flags + (fragment ? FRAGMENT_64K << FRAGMENT : 0);
      words[at + i * 2 + 1] = Math.floor(page / 2 ** 32) + (level === 0 ? 0 : PDE_PTE);
    }
  },
  writeTable(words, at, _level, address) {
    words[at] = (address % 2 ** 32) + VALID + SYSTEM;
    words[at + 1] = Math.floor(address / 2 ** 32);
  },
  writeInvalid(words, at, count, level) {
    if (level === 0) for (const edge of [at, at + (count - 1) * 2]) shatter(words, edge);
    words.fill(0, at, at + count * 2);
  },
};

/** What is left of a fragment when a part of it goes are pages: each of its descriptors says so. */
function shatter(words: Uint32Array, at: number): void {
  const bytes = 2 ** fragmentOf(words[at] as number) * 2;
  if (bytes === 2) return;
  const first = at - (at % bytes);
  for (let i = first; i < first + bytes; i += 2)
    words[i] = ((words[i] as number) & ~(0x1f << FRAGMENT)) >>> 0;
}
