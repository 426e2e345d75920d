// SPDX-License-Identifier: MIT
import type { MemoryType, Shareability } from "../lpae/memory-type.ts";
import { S2CR_MEMATTR, S2CR_MTCFG, S2CR_SHCFG, S2CR_TYPE, SMR_VALID } from "./registers.ts";

/** What an S2CR says of the memory of what goes past the SMMU. */
export interface BypassMemory {
  readonly type: MemoryType;
  readonly shareability: Shareability;
}

/** What becomes of a stream, its S2CR. */
export type StreamToContext =
  | { readonly type: "translate"; readonly bank: number }
  | { readonly type: "bypass"; readonly memory: BypassMemory | null }
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
    if (to.type === "translate") return S2CR_TYPE.translate | to.bank;
    if (to.type === "fault" || to.memory === null) return S2CR_TYPE[to.type];
    const { type, shareability } = to.memory;
    return S2CR_TYPE.bypass | S2CR_MTCFG | S2CR_MEMATTR[type] | S2CR_SHCFG[shareability];
  }
}
