// SPDX-License-Identifier: MIT
import type { Fault } from "./fault.ts";
import { L1STD, STE_BYTES } from "./ste.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** Where the stream table is: SMMU_STRTAB_BASE and SMMU_STRTAB_BASE_CFG. @see Arm IHI 0070, SMMU_STRTAB_BASE */
export interface StreamTable {
  readonly address: number;
  /** log2 of the number of StreamIDs that it is for. */
  readonly log2Size: number;
  /** Bits of a StreamID that choose an entry of a level 2 table; null for a linear table. */
  readonly split: number | null;
}

/** Bytes of a level 1 descriptor. */
export const L1STD_BYTES = 8;

/** What a level 1 descriptor, of streams or of substreams, says by where it lies: from memory, or from what the SMMU remembers. */
export type ReadDescriptor = (address: number) => Uint32Array | null;

/**
 * Where the entry of a stream is, or why there is none: C_BAD_STREAMID beyond the table or behind an invalid level 1 descriptor
 * (M-40), F_STE_FETCH for one that cannot be read. @see Arm IHI 0070, 3.3.1
 */
export function findSte(table: StreamTable, streamId: number, readL1: ReadDescriptor): number | Fault {
  const { address, log2Size, split } = table;
  if (streamId >= 2 ** log2Size) return { name: "C_BAD_STREAMID" };
  if (split === null) return address + streamId * STE_BYTES;
  const index = streamId % 2 ** split;
  const at = address + ((streamId - index) / 2 ** split) * L1STD_BYTES;
  const descriptor = readL1(at);
  if (descriptor === null) return { name: "F_STE_FETCH", fetchAddress: at };
  const span = L1STD.get(descriptor, "Span");
  if (span === 0 || index >= 2 ** (span - 1)) return { name: "C_BAD_STREAMID" };
  return L1STD.get(descriptor, "L2Ptr") + index * STE_BYTES;
}

/** A level 1 descriptor out of memory. */
export const l1Reader =
  (memory: StructureMemory): ReadDescriptor =>
  (address) =>
    memory.read(address, 2);
