// SPDX-License-Identifier: MIT

/** Pages or blocks of one size that a range is mapped with next. */
export interface PageRun {
  readonly pageSize: number;
  readonly count: number;
}

/**
 * The largest page that fits where both addresses are, and how many of it before a larger one fits (M-11). Sizes are in bytes.
 * @param pageSizes what the table knows, ascending
 * @see iommu_pgsize
 */
export function nextPages(pageSizes: readonly number[], iova: number, phys: number, size: number): PageRun {
  let index = pageSizes.length - 1;
  while (index > 0) {
    const pageSize = pageSizes[index] as number;
    if (pageSize <= size && iova % pageSize === 0 && phys % pageSize === 0) break;
    index--;
  }
  const pageSize = pageSizes[index] as number;
  const larger = pageSizes[index + 1];
  if (larger !== undefined && iova % larger === phys % larger) {
    const toBoundary = larger - (iova % larger);
    if (toBoundary + larger <= size) return { pageSize, count: toBoundary / pageSize };
  }
  return { pageSize, count: Math.floor(size / pageSize) };
}

/** A range cut into runs of pages of one size, in order. */
export function* pageRuns(
  pageSizes: readonly number[],
  iova: number,
  phys: number,
  size: number,
): Generator<PageRun, void, undefined> {
  for (let done = 0; done < size; ) {
    const run = nextPages(pageSizes, iova + done, phys + done, size - done);
    yield run;
    done += run.pageSize * run.count;
  }
}
