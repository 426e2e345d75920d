// SPDX-License-Identifier: MIT
import { CFGI_ALL_RANGE, type Command } from "./command.ts";
import { L1STD } from "./ste.ts";
import type { ReadDescriptor } from "./stream-table.ts";

/** What a StreamID is multiplied with to tell its substreams apart. */
const SUBSTREAMS = 2 ** 20;

/**
 * What an SMMU remembers of stream tables and context descriptors. Invalid ones are kept as well, so that making an entry valid
 * needs its invalidation too. @see Arm IHI 0070, 3.21.3 and 16.2
 */
export class ConfigurationCache {
  /** Level 1 stream table descriptors that are valid, by their address. */
  readonly #descriptors = new Map<number, Uint32Array>();
  readonly #stes = new Map<number, Uint32Array>();
  readonly #cds = new Map<number, Uint32Array>();
  /** Level 1 context descriptors by stream and address. */
  readonly #l1Cds = new Map<number, Map<number, Uint32Array>>();

  /** Reads level 1 descriptors out of what is remembered, else with `read`, and keeps those that are valid. */
  descriptorReader(read: ReadDescriptor): ReadDescriptor {
    return (address) => {
      const known = this.#descriptors.get(address);
      if (known !== undefined) return known;
      const descriptor = read(address);
      if (descriptor !== null && L1STD.get(descriptor, "Span") > 0)
        this.#descriptors.set(address, descriptor.slice());
      return descriptor;
    };
  }

  /** The same for level 1 context descriptors of a stream, of which invalid ones are kept as well. @see arm_smmu_alloc_cd_ptr */
  l1CdReader(streamId: number, read: ReadDescriptor): ReadDescriptor {
    return (address) => {
      let known = this.#l1Cds.get(streamId);
      if (known === undefined) {
        known = new Map();
        this.#l1Cds.set(streamId, known);
      }
      const descriptor = known.get(address) ?? read(address);
      if (descriptor !== null) known.set(address, descriptor.slice());
      return descriptor;
    };
  }

  ste(streamId: number): Uint32Array | undefined {
    return this.#stes.get(streamId);
  }

  keepSte(streamId: number, ste: Uint32Array): void {
    this.#stes.set(streamId, ste.slice());
  }

  cd(streamId: number, substream: number): Uint32Array | undefined {
    return this.#cds.get(streamId * SUBSTREAMS + substream);
  }

  keepCd(streamId: number, substream: number, cd: Uint32Array): void {
    this.#cds.set(streamId * SUBSTREAMS + substream, cd.slice());
  }

  /** Forgets what a CMD_CFGI names; an STE takes the CDs of its stream along. @see Arm IHI 0070, 4.3 */
  apply(command: Command): void {
    const { op, StreamID = 0, SubstreamID = 0, Leaf = 0, Range = 0 } = command;
    if (op === "CMD_CFGI_CD") {
      this.#cds.delete(StreamID * SUBSTREAMS + SubstreamID);
      if (Leaf === 0) this.#l1Cds.delete(StreamID);
    }
    if (op === "CMD_CFGI_CD_ALL") this.#forget(StreamID, StreamID + 1, false);
    if (op === "CMD_CFGI_STE") {
      this.#forget(StreamID, StreamID + 1, true);
      if (Leaf === 0) this.#descriptors.clear();
    }
    if (op === "CMD_CFGI_STE_RANGE") {
      const count = Range === CFGI_ALL_RANGE ? Number.POSITIVE_INFINITY : 2 ** (Range + 1);
      const first = Range === CFGI_ALL_RANGE ? 0 : StreamID - (StreamID % count);
      this.#forget(first, first + count, true);
      this.#descriptors.clear();
    }
  }

  #forget(first: number, end: number, withSte: boolean): void {
    if (withSte) for (const id of this.#stes.keys()) if (id >= first && id < end) this.#stes.delete(id);
    for (const id of this.#l1Cds.keys()) if (id >= first && id < end) this.#l1Cds.delete(id);
    for (const key of this.#cds.keys())
      if (key >= first * SUBSTREAMS && key < end * SUBSTREAMS) this.#cds.delete(key);
  }
}

/** Whether a CMD_CFGI makes the SMMU read that STE again, or that CD. */
export function coversConfiguration(
  { op, StreamID = 0, SubstreamID = 0, Range = 0 }: Command,
  streamId: number,
  substream: number | null,
): boolean {
  if (op === "CMD_CFGI_STE_RANGE")
    return (
      Range === CFGI_ALL_RANGE ||
      Math.floor(StreamID / 2 ** (Range + 1)) === Math.floor(streamId / 2 ** (Range + 1))
    );
  if (StreamID !== streamId) return false;
  if (op === "CMD_CFGI_STE") return true;
  if (substream === null) return false;
  return op === "CMD_CFGI_CD_ALL" || (op === "CMD_CFGI_CD" && SubstreamID === substream);
}
