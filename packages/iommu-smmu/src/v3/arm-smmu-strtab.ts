// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import { writeEntry } from "./arm-smmu-entry.ts";
import { abortSte, usedOfSte } from "./arm-smmu-ste.ts";
import { L1STD, STE_BYTES } from "./ste.ts";
import { findSte, L1STD_BYTES, l1Reader, type StreamTable } from "./stream-table.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** Bits of a StreamID that choose an entry of a level 2 table. @see STRTAB_SPLIT */
const SPLIT = 8;
/** Most descriptors of level 1. @see STRTAB_MAX_L1_ENTRIES */
const MAX_L1 = 17;

/**
 * The driver's stream table: linear, or of two levels of which the second is allocated for the streams that there are (M-40). All
 * entries begin with abort (M-42). @see arm_smmu_init_strtab, arm_smmu_init_l2_strtab
 */
export class ArmSmmuStrtab {
  /** What goes into SMMU_STRTAB_BASE. */
  readonly place: StreamTable;
  readonly #memory: StructureMemory;
  readonly #cmdq: ArmSmmuCmdq;
  /** First StreamIDs of the tables of the second level. */
  readonly #tables = new Set<number>();

  constructor(
    memory: StructureMemory,
    cmdq: ArmSmmuCmdq,
    streamIdBits: number,
    kind: "linear" | "two-level",
  ) {
    this.#memory = memory;
    this.#cmdq = cmdq;
    const log2Size = kind === "linear" ? streamIdBits : Math.min(streamIdBits, MAX_L1 + SPLIT);
    const isSmall = kind === "linear" || log2Size <= SPLIT;
    const bytes = isSmall ? STE_BYTES * 2 ** log2Size : L1STD_BYTES * 2 ** (log2Size - SPLIT);
    this.place = {
      address: memory.allocate(bytes, isSmall ? abortSte() : null),
      log2Size,
      split: isSmall ? null : SPLIT,
    };
  }

  /** Makes room for a stream, whose entry is abort then. Throws `KernelError` ERANGE past the table. @see arm_smmu_init_sid_strtab */
  add(streamId: number): void {
    const { place } = this;
    if (streamId >= 2 ** place.log2Size) {
      const reason = `StreamID ${streamId} does not fit into ${place.log2Size} bits`;
      throw new KernelError("ERANGE", "arm_smmu_init_sid_strtab", reason);
    }
    if (place.split !== null) this.#addTable(streamId - (streamId % 2 ** place.split));
  }

  /** Changes a stream's entry; returns whether that was hitless. @see arm_smmu_write_ste */
  write(streamId: number, ste: Uint32Array): boolean {
    const at = this.#addressOf(streamId);
    return writeEntry(
      {
        read: () => this.#memory.read(at, 16) as Uint32Array,
        write: (index, low, high) => this.#memory.write(at, 16, index, low, high),
        sync: () => this.#cmdq.issue([{ op: "CMD_CFGI_STE", StreamID: streamId, Leaf: 1 }]),
        used: usedOfSte,
      },
      ste,
    );
  }

  #addTable(first: number): void {
    if (this.#tables.has(first)) return;
    const { address } = this.place;
    const table = this.#memory.allocate(STE_BYTES * 2 ** SPLIT, abortSte());
    this.#tables.add(first);
    this.#memory.put(
      address + (first / 2 ** SPLIT) * L1STD_BYTES,
      L1STD.encode({ Span: SPLIT + 1, L2Ptr: table }),
    );
  }

  #addressOf(streamId: number): number {
    return findSte(this.place, streamId, l1Reader(this.#memory)) as number;
  }
}
