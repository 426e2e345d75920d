// SPDX-License-Identifier: MIT
import { widthCode, widthOf } from "./context-entry.ts";
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import type { AddressWidth } from "./paging-levels.ts";

/** Words of an entry of the PASID directory, 64 bits. */
export const DIRECTORY_WORDS = 2;
/** Words of an entry of a PASID table, 512 bits: a table has 64. */
export const PASID_WORDS = 16;

/** PASID Granular Translation Type. @see PASID_ENTRY_PGTT_FL_ONLY */
export const Pgtt = { FIRST_LEVEL: 1, SECOND_LEVEL: 2, NESTED: 3, PASS_THROUGH: 4 } as const;

const P = 1 << 0;
const FPD = 1 << 1;
/** In the third word, bits 87 and 88: page-walk snoop, page snoop. */
const PWSNP = 1 << 23;
const PGSNP = 1 << 24;

/** An entry of a PASID table (VT-d 9.6). */
export interface PasidEntry {
  /** FPD: its faults are not recorded. */
  readonly faultsDisabled: boolean;
  /** PGTT, one of `Pgtt`. */
  readonly type: number;
  /** DID, 16 bits. */
  readonly domainId: number;
  /** The width that its tables translate: AW of second-level tables, FLPM of first-level ones; null for a reserved code. */
  readonly width: AddressWidth | null;
  /** SLPTPTR or FLPTPTR, by the type; 0 for pass-through. */
  readonly pageTable: number;
  /** PWSNP: walks of the tables snoop. */
  readonly walkSnoop: boolean;
  /** PGSNP: accesses snoop, whatever they ask for. */
  readonly pageSnoop: boolean;
}

/** Where in the directory the entry for a PASID is: one for 64 of them (VT-d 9.5). */
export const directoryWordOf = (pasid: number): number => (pasid >> 6) * DIRECTORY_WORDS;

/** Where in its table the entry of a PASID is. */
export const pasidWordOf = (pasid: number): number => (pasid & 63) * PASID_WORDS;

/** The words of a directory entry that is present (SMPTBLPTR). */
export const encodeDirectory = (pasidTable: number): readonly number[] => [
  lowWord(pasidTable) + P,
  highWord(pasidTable),
];

/** The PASID table that a directory entry leads to; null when it is not present. */
export const pasidTableIn = (words: ArrayLike<number>): number | null =>
  ((words[0] as number) & P) === 0 ? null : addressIn(words[0] as number, words[1] as number);

/** The words of an entry that is present. */
export function encodePasid(entry: PasidEntry): readonly number[] {
  const { faultsDisabled, type, domainId, width, pageTable, walkSnoop, pageSnoop } = entry;
  const first = type === Pgtt.FIRST_LEVEL;
  const words = new Array<number>(PASID_WORDS).fill(0);
  const aw = first || width === null ? 0 : widthCode(width);
  words[0] = (first ? 0 : lowWord(pageTable)) + P + (faultsDisabled ? FPD : 0) + (aw << 2) + (type << 6);
  words[1] = first ? 0 : highWord(pageTable);
  words[2] = domainId + (walkSnoop ? PWSNP : 0) + (pageSnoop ? PGSNP : 0);
  words[4] = first ? lowWord(pageTable) + (width === 57 ? 1 << 2 : 0) : 0;
  words[5] = first ? highWord(pageTable) : 0;
  return words;
}

/** What the words say; null when the entry is not present. */
export function decodePasid(words: ArrayLike<number>): PasidEntry | null {
  const word = (index: number): number => words[index] as number;
  if ((word(0) & P) === 0) return null;
  const type = (word(0) >> 6) & 7;
  const first = type === Pgtt.FIRST_LEVEL;
  return {
    faultsDisabled: (word(0) & FPD) !== 0,
    type,
    domainId: word(2) & 0xffff,
    width: first ? firstLevelWidth((word(4) >> 2) & 3) : widthOf((word(0) >> 2) & 7),
    pageTable: first ? addressIn(word(4), word(5)) : addressIn(word(0), word(1)),
    walkSnoop: (word(2) & PWSNP) !== 0,
    pageSnoop: (word(2) & PGSNP) !== 0,
  };
}

/** FLPM: 0 for four levels, 1 for five. */
const firstLevelWidth = (mode: number): AddressWidth | null => (mode === 0 ? 48 : mode === 1 ? 57 : null);
