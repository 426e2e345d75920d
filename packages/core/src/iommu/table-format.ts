// SPDX-License-Identifier: MIT

/** What a descriptor is: nothing, the address of a table of the next level, or that of a page or block. */
export const Descriptor = { INVALID: 0, TABLE: 1, LEAF: 2 } as const;

/** One level of a page table. */
export interface TableLevel {
  /** The architecture's number of the level. */
  readonly level: number;
  /** log2 of the bytes that one descriptor stands for. */
  readonly shift: number;
  /** log2 of the number of descriptors of a table. */
  readonly bits: number;
  /** Whether a descriptor can be a page or block here. */
  readonly leaf: boolean;
}

/**
 * How the page tables of an architecture look, to the bit. Descriptors are one word of 32 bits or two, the low one first; a
 * level is named by the architecture's number. A descriptor of zeros is invalid, unless `writeInvalid` writes others.
 */
export interface TableFormat {
  /** As messages name it: `"AArch64 stage 1, 4 KiB granule"`. */
  readonly name: string;
  /** 4 or 8. */
  readonly descriptorBytes: number;
  /** From the root to the pages. The last one is the only one that has no tables. */
  readonly levels: readonly TableLevel[];
  /** Addresses that come out are below this. @see oas in struct io_pgtable_cfg */
  readonly outputEnd: number;
  /** One of `Descriptor`. `high` is 0 where descriptors have one word. */
  kindOf(low: number, high: number, level: number): number;
  /** The address in a descriptor: of the page or block, or of the next table. */
  addressOf(low: number, high: number, level: number): number;
  /** What a page or block allows, as flags of `IommuProt`; as much of it as the format keeps. */
  protOf(low: number, high: number, level: number): number;
  /** Writes `count` descriptors of pages or blocks that follow each other in memory, from word `at` on. */
  writeLeaves(
    words: Uint32Array,
    at: number,
    count: number,
    level: number,
    address: number,
    prot: number,
  ): void;
  /** Writes the descriptor of a table, at word `at`. */
  writeTable(words: Uint32Array, at: number, level: number, address: number): void;
  /**
   * Writes `count` descriptors that map nothing, from word `at` on, over what is there: of a fresh table zeros. Left out where
   * those are zeros. `kindOf` must tell them from all that map something.
   */
  writeInvalid?(words: Uint32Array, at: number, count: number, level: number): void;
}
