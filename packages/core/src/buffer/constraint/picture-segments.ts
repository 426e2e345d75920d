// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../../address.ts";

/** A picture whose lines may be padded. */
export interface PictureLines {
  /** Lines. */
  readonly height: number;
  /** Bytes from the beginning of a line to that of the next, padding and all. */
  readonly bytesPerLine: number;
}

/**
 * The most segments that a picture can be in (D17): each line by itself, in as many pages as hold it. What a driver has to
 * take in one list if it is to take every such picture. Throws `TypeError` unless both are whole numbers from 1.
 */
export function worstSegmentCount({ height, bytesPerLine }: PictureLines): number {
  for (const value of [height, bytesPerLine]) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`not a picture: ${value}`);
  }
  return height * Math.ceil(bytesPerLine / PAGE_SIZE);
}
