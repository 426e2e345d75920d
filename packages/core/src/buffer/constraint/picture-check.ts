// SPDX-License-Identifier: MIT
import { type Party, segmentCount } from "./conflict.ts";
import { type PictureLines, worstSegmentCount } from "./picture-segments.ts";

/** What a buffer shows, as far as segments go. */
export interface Picture extends PictureLines {
  /** Whether lines end before the next begin: who leaves the padding out needs each line by itself. */
  readonly padded: boolean;
}

/**
 * Why a device has too few segments for a picture at its worst (D17), in one line; null when it has enough. The worst case
 * counts for padded lines, in whatever memory, and where nobody says how the memory lies. A device of one segment knows
 * lines by itself. @param known whether it is known how the memory lies
 */
export function pictureRefusal(
  { name, constraints }: Party,
  picture: Picture,
  known: boolean,
): string | null {
  const most = segmentCount(constraints);
  const worst = worstSegmentCount(picture);
  if (most === 1 || most >= worst || (known && !picture.padded)) return null;
  const { height, bytesPerLine, padded } = picture;
  const lines = `${height} ${padded ? "padded " : ""}lines of ${bytesPerLine} bytes`;
  return `${name} takes ${most} segments, and a picture of ${lines} can be in ${worst}`;
}
