// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../../address.ts";

/** Frame numbers end here. */
const FRAMES = 2 ** 32;
/** From so many pages in a run on, on average, looking at eight pages at once is quicker than one by one. */
const LONG = 32;

/** Runs of pages that follow each other in memory, in buffer order: what the entries of a scatterlist are. */
export interface PageRuns {
  /** Address of each run's first page. */
  readonly addresses: Float64Array;
  /** Bytes of each run. */
  readonly lengths: Uint32Array;
}

/** The longest runs of at most `most` pages in a list of page frame numbers; `most` pages are less than 4 GiB. */
export function findRuns(frames: Uint32Array, most: number): PageRuns {
  // Seen as signed numbers, whose differences need no check for overflow, and with no branch on what the pages are.
  const seen = new Int32Array(frames.buffer, frames.byteOffset, frames.length);
  const count = countRuns(seen);
  const addresses = new Float64Array(count);
  const starts = startsOf(seen, count);
  // Of many runs the same memory has first the index of the first page and then the length.
  const lengths = isFew(seen, count) ? new Uint32Array(count) : starts;
  let end = frames.length;
  for (let run = count - 1; run >= 0; run--) {
    const start = starts[run] as number;
    const first = frames[start] as number;
    const pages = end - start;
    if (pages > most || first + pages > FRAMES) {
      return cutRuns(frames, lengths === starts ? startsOf(seen, count) : starts, most);
    }
    addresses[run] = first * PAGE_SIZE;
    lengths[run] = pages * PAGE_SIZE;
    end = start;
  }
  return { addresses, lengths };
}

/** The same where some run is longer than `most`, or would go past the last frame number to 0. */
function cutRuns(frames: Uint32Array, starts: Uint32Array, most: number): PageRuns {
  const addresses: number[] = [];
  const lengths: number[] = [];
  for (let run = 0; run < starts.length; run++) {
    const end = starts[run + 1] ?? frames.length;
    for (let i = starts[run] as number; i < end; ) {
      const first = frames[i] as number;
      const pages = Math.min(end - i, most, FRAMES - first);
      addresses.push(first * PAGE_SIZE);
      lengths.push(pages * PAGE_SIZE);
      i += pages;
    }
  }
  return { addresses: Float64Array.from(addresses), lengths: Uint32Array.from(lengths) };
}

const isFew = (frames: Int32Array, count: number): boolean => frames.length > count * LONG;

/** The index of the first page of each of `count` runs. */
function startsOf(frames: Int32Array, count: number): Uint32Array {
  const starts = new Uint32Array(count);
  if (isFew(frames, count)) noteLongRuns(frames, starts);
  else noteRuns(frames, starts);
  return starts;
}

/** 0 where a page follows the one before it, else 1. */
const breaks = (before: number, page: number): number => {
  const gap = page - before - 1;
  return (gap | -gap) >>> 31;
};

function countRuns(frames: Int32Array): number {
  const { length } = frames;
  if (length === 0) return 0;
  let count = 1;
  let before = frames[0] as number;
  for (let i = 1; i < length; ) {
    if (i + 8 <= length && follow(frames, i, before)) {
      i += 8;
      before = frames[i - 1] as number;
      continue;
    }
    for (const stop = Math.min(length, i + 8); i < stop; i++) {
      const page = frames[i] as number;
      count += breaks(before, page);
      before = page;
    }
  }
  return count;
}

/** Notes the index of each run's first page. Backwards, so that of all indices noted for a run the first one stays. */
function noteRuns(frames: Int32Array, starts: Uint32Array): void {
  let run = starts.length - 1;
  let page = frames[frames.length - 1] as number;
  for (let i = frames.length - 1; i > 0; i--) {
    const before = frames[i - 1] as number;
    starts[run] = i;
    run -= breaks(before, page);
    page = before;
  }
  starts[0] = 0;
}

/** The same for few long runs. */
function noteLongRuns(frames: Int32Array, starts: Uint32Array): void {
  let run = 1;
  for (let i = 1; i < frames.length; ) {
    const base = frames[i - 1] as number;
    if (i + 8 <= frames.length && follow(frames, i, base)) {
      i += 8;
      continue;
    }
    if (breaks(base, frames[i] as number) === 1) starts[run++] = i;
    i++;
  }
}

/** Whether the eight pages from index `i` on follow `base`, one after the other. */
function follow(frames: Int32Array, i: number, base: number): boolean {
  const differ =
    ((frames[i] as number) ^ (base + 1)) |
    ((frames[i + 1] as number) ^ (base + 2)) |
    ((frames[i + 2] as number) ^ (base + 3)) |
    ((frames[i + 3] as number) ^ (base + 4)) |
    ((frames[i + 4] as number) ^ (base + 5)) |
    ((frames[i + 5] as number) ^ (base + 6)) |
    ((frames[i + 6] as number) ^ (base + 7)) |
    ((frames[i + 7] as number) ^ (base + 8));
  return differ === 0;
}
