// SPDX-License-Identifier: MIT

/** Descriptors in a row that were cleared: an IOMMU may remember what they said. @see struct iommu_flush_ops */
export interface ClearedDescriptors {
  readonly iova: number;
  /** Bytes that each stood for. */
  readonly pageSize: number;
  readonly count: number;
  /** Whether they were pages or blocks (`tlb_add_page`), not tables with all that is below (`tlb_flush_walk`). */
  readonly leaf: boolean;
}

/** Pages and blocks are told as runs between the tables, which are named by their place. */
export function tellCleared(
  tell: (what: ClearedDescriptors) => void,
  iova: number,
  pageSize: number,
  count: number,
  tables: readonly number[],
): void {
  let from = 0;
  for (const at of [...tables, count]) {
    if (at > from) tell({ iova: iova + from * pageSize, pageSize, count: at - from, leaf: true });
    if (at < count) tell({ iova: iova + at * pageSize, pageSize, count: 1, leaf: false });
    from = at + 1;
  }
}
