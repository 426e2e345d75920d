// SPDX-License-Identifier: MIT

/**
 * The line of a cache that an option describes. Throws `TypeError`, with `place` in front, for one that is not a power of
 * two from `least` to `most` bytes.
 */
export function cacheLine(place: string, line: number, least: number, most: number): number {
  if (line >= least && line <= most && Number.isInteger(Math.log2(line))) return line;
  throw new TypeError(
    `${place}: a cache line of ${line} bytes is not a power of two from ${least} to ${most}`,
  );
}
