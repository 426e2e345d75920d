// SPDX-License-Identifier: MIT
import { S2CR_TYPE, SMR_VALID } from "./registers.ts";

/** What becomes of a stream, its S2CR. */
export type StreamToContext =
  | { readonly type: "translate"; readonly bank: number }
  | { readonly type: "bypass" }
  | { readonly type: "fault" };

/** A stream match: stream ids that are like `id` in the bits that `mask` does not have. */
export interface StreamMatch {
  readonly id: number;
  readonly mask: number;
}

/** Whether a stream id is one of those. */
const matches = ({ id, mask }: StreamMatch, stream: number): boolean => ((id ^ stream) & ~mask) === 0;

/** The stream mapping table: which SMR matches a stream, and what its S2CR says (M-60). @see IHI 0062, "Stream mapping" */
export class StreamMap {
  /** The stream matches; null for one that is not valid. */
  readonly smrs: (StreamMatch | null)[];
  /** What they lead to; the reset value of the driver is `fault`. */
  readonly s2crs: StreamToContext[];

  constructor(count: number) {
    this.smrs = Array.from({ length: count }, () => null);
    this.s2crs = Array.from({ length: count }, () => ({ type: "fault" }));
  }

  /** The index of the SMR that a stream matches; -1 for none, -2 for several. */
  find(stream: number): number {
    let found = -1;
    for (let i = 0; i < this.smrs.length; i++) {
      const smr = this.smrs[i] as StreamMatch | null;
      if (smr === null || !matches(smr, stream)) continue;
      if (found >= 0) return -2;
      found = i;
    }
    return found;
  }

  /** SMRn as it is read. */
  smr(index: number): number {
    const match = this.smrs[index] ?? null;
    return match === null ? 0 : (SMR_VALID | (match.mask << 16) | match.id) >>> 0;
  }

  /** S2CRn as it is read. */
  s2cr(index: number): number {
    const to = this.s2crs[index] ?? { type: "fault" };
    return S2CR_TYPE[to.type] | (to.type === "translate" ? to.bank : 0);
  }
}
