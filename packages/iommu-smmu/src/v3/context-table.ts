// SPDX-License-Identifier: MIT
import { CD_BYTES, L1CD } from "./cd.ts";
import type { Fault } from "./fault.ts";
import { S1Fmt, STE } from "./ste.ts";
import type { ReadDescriptor } from "./stream-table.ts";

/** log2 of the number of CDs in a table of the second level. */
const leafBits: Readonly<Record<number, number>> = { [S1Fmt.L2_4K]: 6, [S1Fmt.L2_64K]: 10 };

/** Where what an STE points to really is: stage 2 has a say in it where that is on. */
export type Locate = (address: number) => number | Fault;

/**
 * Where the context descriptor of a substream is, or why there is none: C_BAD_SUBSTREAMID beyond S1CDMax or behind an invalid
 * level 1 descriptor, F_CD_FETCH for one that cannot be read (M-43). @see Arm IHI 0070, 3.3.2
 */
export function findCd(
  ste: Uint32Array,
  substream: number,
  locate: Locate,
  readL1: ReadDescriptor,
): number | Fault {
  if (substream >= 2 ** STE.get(ste, "S1CDMax")) return { name: "C_BAD_SUBSTREAMID" };
  const base = STE.get(ste, "S1ContextPtr");
  const format = STE.get(ste, "S1Fmt");
  const bits = leafBits[format];
  if (bits === undefined || STE.get(ste, "S1CDMax") === 0) return locate(base + substream * CD_BYTES);
  const index = substream % 2 ** bits;
  const at = locate(base + ((substream - index) / 2 ** bits) * 8);
  if (typeof at !== "number") return at;
  const descriptor = readL1(at);
  if (descriptor === null) return { name: "F_CD_FETCH", fetchAddress: at };
  if (L1CD.get(descriptor, "V") === 0) return { name: "C_BAD_SUBSTREAMID" };
  return locate(L1CD.get(descriptor, "L2Ptr") + index * CD_BYTES);
}
