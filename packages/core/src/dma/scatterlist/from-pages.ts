// SPDX-License-Identifier: MIT
import { alignDown, PAGE_SIZE } from "../../address.ts";
import { KernelError } from "../../error.ts";
import { findRuns } from "./page-runs.ts";
import { LONGEST_SEGMENT } from "./segment-limits.ts";
import { SgTable } from "./sg-table.ts";

/** Which part of a list of pages a scatterlist covers, and how long its entries may be. */
export interface FromPagesOptions {
  /** First byte, within the first page; default 0. */
  readonly offset?: number;
  /** Bytes; default all that the pages have from `offset` on. */
  readonly size?: number;
  /** Most bytes of an entry, rounded down to pages; default as many as an entry can express. */
  readonly maxSegmentSize?: number;
}

/**
 * Makes a scatterlist of pages in buffer order, one entry for each run of pages that follow each other in memory, cut at
 * `maxSegmentSize`. @param frames page frame numbers. Throws `KernelError` EINVAL for a maximum of less than a page, and
 * `TypeError` for no pages, or an offset or size that they do not have. @see sg_alloc_table_from_pages_segment
 */
export function sgFromPages(frames: Uint32Array, options: FromPagesOptions = {}): SgTable {
  const { offset = 0, maxSegmentSize = LONGEST_SEGMENT } = options;
  const most = alignDown(Math.min(maxSegmentSize, LONGEST_SEGMENT), PAGE_SIZE) / PAGE_SIZE;
  if (!(most >= 1)) {
    const reason = `entries of at most ${maxSegmentSize} bytes are less than a page`;
    throw new KernelError("EINVAL", "sg_alloc_table_from_pages_segment", reason);
  }
  const held = frames.length * PAGE_SIZE;
  const { size = held - offset } = options;
  if (!(offset >= 0 && offset < PAGE_SIZE && size > held - offset - PAGE_SIZE && offset + size <= held)) {
    throw new TypeError(
      `[${offset}, ${offset + size}) is not a part of ${frames.length} pages with all of them`,
    );
  }
  const { addresses, lengths } = findRuns(frames, most);
  addresses[0] = (addresses[0] as number) + offset;
  lengths[0] = (lengths[0] as number) - offset;
  const last = lengths.length - 1;
  lengths[last] = (lengths[last] as number) - (held - offset - size);
  return new SgTable(addresses, lengths);
}
