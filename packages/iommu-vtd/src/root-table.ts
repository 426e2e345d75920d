// SPDX-License-Identifier: MIT
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import { busOf, devfnOf } from "./source-id.ts";

/** Present: P of a root entry, LP and UP of one in scalable mode. */
const P = 1;
/** Words of a root entry, 128 bits. */
const ROOT_WORDS = 4;

/** Which mode the root table is for (RTADDR_REG.TTM): 00b legacy, 01b scalable. */
export type Mode = "legacy" | "scalable";

/** Where in the root table the half of a root entry is that leads to a device's context table. */
export function rootWordOf(sid: number, mode: Mode): number {
  const upper = mode === "scalable" && devfnOf(sid) >= 128;
  return busOf(sid) * ROOT_WORDS + (upper ? 2 : 0);
}

/**
 * A root entry's half: in legacy mode the lower one has the pointer to 256 context entries of the bus (VT-d 9.1); in scalable mode
 * the lower leads to those of devices 0 to 15, the upper to those of devices 16 to 31 (9.2).
 */
export const rootHalf = (contextTable: number): readonly number[] => [
  lowWord(contextTable) + P,
  highWord(contextTable),
];

/** The context table that a half leads to; null when it is not present. */
export const contextTableIn = ([low = 0, high = 0]: ArrayLike<number> & Iterable<number>): number | null =>
  (low & P) === 0 ? null : addressIn(low, high);

/** Whether bits 11:1, which are reserved, are set in a half that is present. */
export const hasReservedRootBits = (low: number): boolean => (low & 0xffe) !== 0;
