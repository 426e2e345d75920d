// SPDX-License-Identifier: MIT

/**
 * What a 64-bit cell pair of 2^53 or more is read as: such a value does not fit a JavaScript number exactly, so it
 * saturates here. Nothing on real hardware is that high except windows that mean "everything".
 */
export const SATURATED = 2 ** 53;

/** The big-endian 32-bit cell at `at`. */
export const cellAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

/**
 * The number in `count` cells from byte `at`, as Linux reads it: more than two cells keep the low 64 bits, none is 0.
 * Values of 2^53 and above become {@link SATURATED}. @see of_read_number
 */
export function numberAt(bytes: Uint8Array, at: number, count: number): number {
  if (count <= 0) return 0;
  const low = cellAt(bytes, at + 4 * (count - 1));
  const high = count === 1 ? 0 : cellAt(bytes, at + 4 * (count - 2));
  return Math.min(high * 2 ** 32 + low, SATURATED);
}

/** The sum of two numbers that may be saturated, saturated. */
export const saturatingAdd = (a: number, b: number): number => Math.min(a + b, SATURATED);
