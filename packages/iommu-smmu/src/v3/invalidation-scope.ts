// SPDX-License-Identifier: MIT
import type { Command } from "./command.ts";

/** Tags of EL2's translations begin here. */
const EL2 = 2 ** 40;
const ASIDS = 2 ** 17;
/** In the place of an ASID, for entries of all address spaces. */
export const GLOBAL = 2 ** 16;

/** The tag of a stage 1 or combined translation: whose, and of which address space. */
export const tagOf = (isEl2: boolean, vmid: number, asid: number): number =>
  (isEl2 ? EL2 : vmid * ASIDS) + asid;

/** Tags from one on and below another, and one more besides. */
export interface Tags {
  readonly from: number;
  readonly end: number;
  readonly also: number;
}

/** Whether a tag is among those. */
export const includesTag = ({ from, end, also }: Tags, tag: number): boolean =>
  (tag >= from && tag < end) || tag === also;

/** What a TLBI drops. Addresses are in bytes. */
export interface InvalidationScope {
  /** Which tags of stage 1 and of combined translations, or none. */
  readonly first: Tags | null;
  /** Which VMIDs of stage 2, or none. */
  readonly second: Tags | null;
  readonly start: number;
  readonly end: number;
  /** Only pages and blocks: the way to their table stays. */
  readonly leaf: boolean;
  /** Only pages and blocks of this level; null for all. */
  readonly level: number | null;
}

const all = { start: 0, end: Number.POSITIVE_INFINITY, leaf: false, level: null };

/** log2 of the granule that TG says. */
const granules = [12, 12, 14, 16];

/**
 * The addresses of a TLBI: with TG the range of (NUM + 1) x 2^SCALE granules, aligned (M-48); without it, what holds the
 * address. @see Arm IHI 0070, 4.4
 */
function rangeOf({
  Address = 0,
  TG = 0,
  NUM = 0,
  SCALE = 0,
  TTL = 0,
  Leaf = 0,
}: Command): Omit<InvalidationScope, "first" | "second"> {
  const granule = 2 ** (granules[TG] as number);
  const start = Address - (Address % granule);
  const count = TG === 0 ? 1 : (NUM + 1) * 2 ** SCALE;
  return { start, end: start + count * granule, leaf: Leaf === 1, level: TG === 0 || TTL === 0 ? null : TTL };
}

const NOBODY = -1;
const tags = (from: number, end: number): Tags => ({ from, end, also: NOBODY });
const oneTag = (tag: number, also = NOBODY): Tags => ({ from: tag, end: tag + 1, also });
const ofVm = (vmid: number): Tags => tags(vmid * ASIDS, (vmid + 1) * ASIDS);
const ofEl2 = tags(EL2, Number.POSITIVE_INFINITY);
/** An address space, and what is of all of them. */
const ofSpace = (isEl2: boolean, vmid: number, asid: number): Tags =>
  oneTag(tagOf(isEl2, vmid, asid), tagOf(isEl2, vmid, GLOBAL));

/** What a TLBI drops; null for another command. @see Arm IHI 0070, 4.4 */
export function scopeOf(command: Command): InvalidationScope | null {
  const { op, VMID = 0, ASID = 0 } = command;
  switch (op) {
    case "CMD_TLBI_NH_ALL":
      return { ...all, first: ofVm(VMID), second: null };
    case "CMD_TLBI_NH_ASID":
      return { ...all, first: oneTag(tagOf(false, VMID, ASID)), second: null };
    case "CMD_TLBI_NH_VA":
      return { ...rangeOf(command), first: ofSpace(false, VMID, ASID), second: null };
    case "CMD_TLBI_NH_VAA":
      return { ...rangeOf(command), first: ofVm(VMID), second: null };
    case "CMD_TLBI_EL2_ALL":
      return { ...all, first: ofEl2, second: null };
    case "CMD_TLBI_EL2_ASID":
      return { ...all, first: oneTag(tagOf(true, 0, ASID)), second: null };
    case "CMD_TLBI_EL2_VA":
      return { ...rangeOf(command), first: ofSpace(true, 0, ASID), second: null };
    case "CMD_TLBI_EL2_VAA":
      return { ...rangeOf(command), first: ofEl2, second: null };
    case "CMD_TLBI_S12_VMALL":
      return { ...all, first: ofVm(VMID), second: oneTag(VMID) };
    case "CMD_TLBI_S2_IPA":
      return { ...rangeOf(command), first: null, second: oneTag(VMID) };
    case "CMD_TLBI_NSNH_ALL":
      return { ...all, first: tags(0, EL2), second: tags(0, Number.POSITIVE_INFINITY) };
    default:
      return null;
  }
}
