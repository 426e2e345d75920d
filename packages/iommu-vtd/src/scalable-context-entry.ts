// SPDX-License-Identifier: MIT
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import { devfnOf } from "./source-id.ts";

/** Words of a context entry of scalable mode, 256 bits. */
export const SCALABLE_CONTEXT_WORDS = 8;

const P = 1 << 0;
const FPD = 1 << 1;
/** Device-TLB Enable. */
const DTE = 1 << 2;
/** PASID Enable. */
const PASIDE = 1 << 3;

/** A context entry of scalable mode (VT-d 9.4): a device has address spaces by PASID. */
export interface ScalableContextEntry {
  /** FPD: its faults are not recorded. */
  readonly faultsDisabled: boolean;
  /** DTE: the device may ask for translations and keep them (ATS). */
  readonly deviceTlb: boolean;
  /** PASIDE: its requests may carry a PASID. */
  readonly pasids: boolean;
  /** PDTS: the directory has 2^(PDTS + 7) entries. */
  readonly directorySize: number;
  /** PASIDDIRPTR. */
  readonly directory: number;
  /** RID_PASID: the PASID of requests that carry none. */
  readonly ridPasid: number;
}

/** Where in its context table, the lower or the upper one, the entry of a device is. */
export const scalableContextWordOf = (sid: number): number => (devfnOf(sid) & 127) * SCALABLE_CONTEXT_WORDS;

/** The words of an entry that is present. */
export const encodeScalableContext = ({
  faultsDisabled,
  deviceTlb,
  pasids,
  directorySize,
  directory,
  ridPasid,
}: ScalableContextEntry): readonly number[] => [
  lowWord(directory) +
    P +
    (faultsDisabled ? FPD : 0) +
    (deviceTlb ? DTE : 0) +
    (pasids ? PASIDE : 0) +
    (directorySize << 9),
  highWord(directory),
  ridPasid,
  ...[0, 0, 0, 0, 0],
];

/** What the words say; null when the entry is not present. */
export function decodeScalableContext(words: ArrayLike<number>): ScalableContextEntry | null {
  const [low, high, second] = [words[0] as number, words[1] as number, words[2] as number];
  if ((low & P) === 0) return null;
  return {
    faultsDisabled: (low & FPD) !== 0,
    deviceTlb: (low & DTE) !== 0,
    pasids: (low & PASIDE) !== 0,
    directorySize: (low >> 9) & 7,
    directory: addressIn(low, high),
    ridPasid: second & 0xf_ffff,
  };
}
