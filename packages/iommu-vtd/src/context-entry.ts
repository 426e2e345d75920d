// SPDX-License-Identifier: MIT
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import { type AddressWidth, levelsOf } from "./paging-levels.ts";
import { devfnOf } from "./source-id.ts";

/** Words of a context entry of legacy mode, 128 bits. */
export const CONTEXT_WORDS = 4;

/** What a context entry's TT says. @see CONTEXT_TT_MULTI_LEVEL in the kernel's iommu.h */
export const TranslationType = {
  /** Second-level tables; the device's own translations are not wanted. */
  MULTI_LEVEL: 0,
  /** Second-level tables; the device may ask for translations and keep them (ATS). */
  DEV_IOTLB: 1,
  /** Untranslated. */
  PASS_THROUGH: 2,
} as const;

const P = 1 << 0;
const FPD = 1 << 1;

/** A context entry of legacy mode (VT-d 9.3). */
export interface ContextEntry {
  /** Fault Processing Disable: its faults are not recorded. */
  readonly faultsDisabled: boolean;
  /** TT, one of `TranslationType`; 3 is reserved. */
  readonly type: number;
  /** SLPTPTR: where the root of the page tables is. */
  readonly pageTable: number;
  /** AW: the address width's code; null where it is none. */
  readonly width: AddressWidth | null;
  /** DID, 16 bits. */
  readonly domainId: number;
}

/** AW of an address width: 1 for three levels, 2 for four, 3 for five. */
export const widthCode = (width: AddressWidth): number => levelsOf(width) - 2;

/** The address width of an AW; null for a reserved one. */
export const widthOf = (code: number): AddressWidth | null =>
  code === 1 ? 39 : code === 2 ? 48 : code === 3 ? 57 : null;

/** Where in a context table the entry of a device is. */
export const contextWordOf = (sid: number): number => devfnOf(sid) * CONTEXT_WORDS;

/** The words of an entry that is present. */
export const encodeContext = ({
  faultsDisabled,
  type,
  pageTable,
  width,
  domainId,
}: ContextEntry): readonly number[] => [
  lowWord(pageTable) + P + (faultsDisabled ? FPD : 0) + (type << 2),
  highWord(pageTable),
  (width === null ? 0 : widthCode(width)) + (domainId << 8),
  0,
];

/** What the words say; null when the entry is not present. */
export function decodeContext(words: ArrayLike<number>): ContextEntry | null {
  const [low, high, second] = [words[0] as number, words[1] as number, words[2] as number];
  if ((low & P) === 0) return null;
  return {
    faultsDisabled: (low & FPD) !== 0,
    type: (low >> 2) & 3,
    pageTable: addressIn(low, high),
    width: widthOf(second & 7),
    domainId: (second >>> 8) & 0xffff,
  };
}

/** Whether a reserved bit is set: 11:4 of the first half, 127:88 of the second (VT-d 9.3). */
export const hasReservedContextBits = (words: ArrayLike<number>): boolean =>
  ((words[0] as number) & 0xff0) !== 0 || (((words[2] as number) >>> 24) | (words[3] as number)) !== 0;
