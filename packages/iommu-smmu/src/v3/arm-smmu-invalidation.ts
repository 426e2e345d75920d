// SPDX-License-Identifier: MIT
import type { Command, CommandName } from "./command.ts";

/** A range whose translations are dropped. */
export interface TlbRange {
  readonly op: CommandName;
  /** Whose: ASID and VMID. */
  readonly owner: Pick<Command, "ASID" | "VMID">;
  readonly iova: number;
  readonly size: number;
  /** Bytes of the pages or blocks that were mapped there, all alike. */
  readonly pageSize: number;
  /** log2 of the smallest page of the tables. */
  readonly granuleShift: number;
  /** Only pages and blocks: no table was freed. */
  readonly leaf: boolean;
  /** Whether the SMMU knows ranges: IDR3.RIL. */
  readonly ranges: boolean;
}

/** How many values NUM has. */
const NUMS = 32;

/**
 * The commands that drop a range: one for each page, or with RIL as few as the encoding of ranges allows, with the level of the pages
 * as TTL where no table is concerned (M-48). @see __arm_smmu_tlb_inv_range
 */
export function* tlbCommands(range: TlbRange): Generator<Command, void, undefined> {
  const { op, owner, iova, size, pageSize, granuleShift, leaf, ranges } = range;
  const Leaf = leaf ? 1 : 0;
  if (!ranges) {
    for (let at = iova; at < iova + size; at += pageSize) yield { op, ...owner, Leaf, Address: at };
    return;
  }
  const granule = 2 ** granuleShift;
  const TG = (granuleShift - 10) / 2;
  const TTL = leaf ? levelOf(pageSize, granuleShift) : 0;
  let pages = size / granule;
  // One granule of no level in particular, all of NUM, SCALE and TTL 0, is a reserved encoding.
  if (!leaf && pages % NUMS === 1) pages++;
  for (let at = iova; pages > 0; ) {
    let scale = 0;
    while (pages % 2 ** (scale + 1) === 0) scale++;
    const count = Math.floor(pages / 2 ** scale) % NUMS;
    yield { op, ...owner, Leaf, Address: at, TG, TTL, SCALE: scale, NUM: count - 1 };
    at += count * 2 ** scale * granule;
    pages -= count * 2 ** scale;
  }
}

/** The level at which a descriptor stands for so many bytes. */
const levelOf = (pageSize: number, granuleShift: number): number =>
  3 - (Math.log2(pageSize) - granuleShift) / (granuleShift - 3);
