// SPDX-License-Identifier: MIT

/** A requester id as messages write it, bus:device.function: 0x10 is `00:02.0`. */
export function sourceName(sid: number): string {
  const digits = (value: number): string => value.toString(16).padStart(2, "0");
  return `${digits(busOf(sid))}:${digits((sid >> 3) & 31)}.${sid & 7}`;
}

/** The bus of a requester id: which root entry is its own. */
export const busOf = (sid: number): number => sid >> 8;

/** Device and function: which context entry. */
export const devfnOf = (sid: number): number => sid & 0xff;
