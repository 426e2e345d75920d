// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { StreamMap, StreamMatch, StreamToContext } from "./stream-map.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** An id of a board: the stream id in bits 15:0, the mask of a two-cell `iommus` property in bits 30:16. @see arm_smmu_of_xlate */
export const streamOf = (id: number): number => id & 0xffff;

/** What the driver has of the stream mapping table: who asked for which SMR. @see arm_smmu_master_alloc_smes */
export class StreamMapping {
  readonly #map: StreamMap;
  readonly #bits: number;
  readonly #mask: number;
  readonly #owners: string[] = [];

  /**
   * @param bits of a stream id
   * @param mask bits that do not count in any id. @see stream-match-mask
   */
  constructor(map: StreamMap, bits: number, mask: number) {
    this.#map = map;
    this.#bits = bits;
    this.#mask = mask;
  }

  /**
   * The SMRs of a device's ids. One that matches all of an id's streams already is shared (M-60). Throws `KernelError` ENOSPC when
   * none is left, EINVAL for an id that matches some streams of another's and not all, and for one that is too wide.
   */
  allocate(device: string, ids: readonly number[]): number[] {
    return ids.map((id) => {
      const match = { id: streamOf(id), mask: (id >>> 16) | this.#mask };
      const index = this.#find(device, match);
      if (this.#map.smrs[index] === null) {
        this.#map.smrs[index] = match;
        this.#owners[index] = device;
      }
      return index;
    });
  }

  /** Writes the S2CRs of ids. */
  lead(indices: readonly number[], to: StreamToContext): void {
    for (const index of indices) this.#map.s2crs[index] = to;
  }

  #find(device: string, { id, mask }: StreamMatch): number {
    const { smrs } = this.#map;
    const most = 2 ** this.#bits - 1;
    if (id > most || mask > most) {
      const what = id > most ? `stream id ${hex(id)}` : `mask ${hex(mask)}`;
      throw refusal("EINVAL", `${device}'s ${what} is past ${hex(most)}, the last of this SMMU`);
    }
    for (let i = 0; i < smrs.length; i++) {
      const smr = smrs[i] as StreamMatch | null;
      if (smr === null) continue;
      if ((mask & smr.mask) === mask && ((id ^ smr.id) & ~smr.mask) === 0) return i;
      if (((id ^ smr.id) & ~(smr.mask | mask)) !== 0) continue;
      const [own, other] = [{ id, mask }, smr].map((match) => `${hex(match.id)} mask ${hex(match.mask)}`);
      throw refusal("EINVAL", `${device}'s ${own} and ${this.#owners[i]}'s ${other} match the same streams`);
    }
    const free = smrs.indexOf(null);
    if (free >= 0) return free;
    throw refusal(
      "ENOSPC",
      `all ${smrs.length} stream match registers are taken, none is left for ${device}`,
    );
  }
}

const refusal = (errno: "EINVAL" | "ENOSPC", reason: string): KernelError =>
  new KernelError(errno, "iommu_probe_device", reason);
