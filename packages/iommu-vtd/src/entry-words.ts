// SPDX-License-Identifier: MIT

/** 2^32: what the high word of an entry counts in. */
const WORD = 2 ** 32;

/** The address in bits 51:12 of an entry, as in all structures of VT-d (spec, chapter 9). */
export const addressIn = (low: number, high: number): number =>
  (high & 0x000f_ffff) * WORD + ((low & 0xffff_f000) >>> 0);

/** The low word of a number of 64 bits. */
export const lowWord = (value: number): number => value % WORD;

/** The high word of it. */
export const highWord = (value: number): number => Math.floor(value / WORD);

/** A number as messages have it. */
export const hex = (value: number): string => `0x${value.toString(16)}`;
