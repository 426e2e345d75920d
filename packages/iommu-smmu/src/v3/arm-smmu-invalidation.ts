// SPDX-License-Identifier: MIT
import type { Command, CommandName } from "./command.ts";

/** A range whose translations are dropped. */
export interface TlbRange {
  readonly op: CommandName;
  /** Whose: ASID and VMID. */
  readonly owner: Pick<Command, "ASID" | "VMID">;
  readonly iova: number;
  readonly size: number;
  /** log2 of the smallest page of the tables. */
  readonly granuleShift: number;
  /** log2 of what one command drops where ranges are not used; default the granule. */
  readonly strideShift?: number;
  /** Only pages and blocks: no table was freed. */
  readonly leaf: boolean;
  /** Whether the SMMU knows ranges: IDR3.RIL. */
  readonly ranges: boolean;
}

/** Most that NUM can say, less one. */
const NUM_MAX = 31;

/**
 * The commands that drop a range: one for each page, or with RIL as few as the encoding of ranges allows (M-48). The level of the
 * pages is not said, since a range may hold pages and blocks. @see __arm_smmu_tlb_inv_range
 */
export function* tlbCommands(range: TlbRange): Generator<Command, void, undefined> {
  const { op, owner, iova, size, granuleShift, strideShift = granuleShift, leaf, ranges } = range;
  const Leaf = leaf ? 1 : 0;
  if (!ranges) {
    const stride = 2 ** strideShift;
    for (let at = iova; at < iova + size; at += stride) yield { op, ...owner, Leaf, Address: at };
    return;
  }
  const granule = 2 ** granuleShift;
  let pages = size / granule;
  for (let at = iova; pages > 0; ) {
    let scale = 0;
    while (pages % 2 ** (scale + 1) === 0) scale++;
    const count = Math.floor(pages / 2 ** scale) % (NUM_MAX + 1);
    yield { op, ...owner, Leaf, Address: at, TG: (granuleShift - 10) / 2, SCALE: scale, NUM: count - 1 };
    at += count * 2 ** scale * granule;
    pages -= count * 2 ** scale;
  }
}
