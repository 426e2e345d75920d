// SPDX-License-Identifier: MIT

import { usedOfCd } from "./arm-smmu-cd.ts";
import type { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import { writeEntry } from "./arm-smmu-entry.ts";
import type { CdTablePlace } from "./arm-smmu-ste.ts";
import { CD_BYTES, L1CD } from "./cd.ts";
import { S1Fmt } from "./ste.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** log2 of the number of CDs in a table of the second level. @see CTXDESC_L2_ENTRIES */
const L2_BITS = 10;

/**
 * The context descriptors of one master: linear up to 1024, else of two levels of which the second is allocated when one is
 * written (M-43). @see arm_smmu_alloc_cd_tables
 */
export class ArmSmmuCdtab {
  /** What goes into the master's STEs. */
  readonly place: CdTablePlace;
  readonly #memory: StructureMemory;
  readonly #cmdq: ArmSmmuCmdq;
  readonly #streamIds: readonly number[];
  /** Tables of the second level by their index. */
  readonly #leaves = new Map<number, number>();

  constructor(
    memory: StructureMemory,
    cmdq: ArmSmmuCmdq,
    streamIds: readonly number[],
    substreamBits: number,
  ) {
    this.#memory = memory;
    this.#cmdq = cmdq;
    this.#streamIds = streamIds;
    const isLinear = substreamBits <= L2_BITS;
    const bytes = isLinear ? CD_BYTES * 2 ** substreamBits : 8 * 2 ** (substreamBits - L2_BITS);
    this.place = {
      address: memory.allocate(bytes),
      format: isLinear ? S1Fmt.LINEAR : S1Fmt.L2_64K,
      cdMax: substreamBits,
    };
  }

  /** Changes a substream's descriptor, of zeros for none; returns whether that was hitless. @see arm_smmu_write_cd_entry */
  write(substream: number, cd: Uint32Array): boolean {
    const at = this.#addressOf(substream);
    return writeEntry(
      {
        read: () => this.#memory.read(at, 16) as Uint32Array,
        write: (index, low, high) => this.#memory.write(at, 16, index, low, high),
        sync: () => this.#sync(substream, 1),
        used: usedOfCd,
      },
      cd,
    );
  }

  /** @see arm_smmu_sync_cd */
  #sync(substream: number, leaf: 0 | 1): void {
    this.#cmdq.issue(
      this.#streamIds.map((StreamID) => ({
        op: "CMD_CFGI_CD",
        StreamID,
        SubstreamID: substream,
        Leaf: leaf,
      })),
    );
  }

  #addressOf(substream: number): number {
    const { address, format } = this.place;
    if (format === S1Fmt.LINEAR) return address + substream * CD_BYTES;
    const index = substream % 2 ** L2_BITS;
    const leaf = (substream - index) / 2 ** L2_BITS;
    const table = this.#leaves.get(leaf) ?? this.#addLeaf(leaf, substream);
    return table + index * CD_BYTES;
  }

  /** The SMMU may remember that there was none. @see arm_smmu_alloc_cd_ptr */
  #addLeaf(leaf: number, substream: number): number {
    const table = this.#memory.allocate(CD_BYTES * 2 ** L2_BITS);
    this.#memory.put(this.place.address + leaf * 8, L1CD.encode({ V: 1, L2Ptr: table }));
    this.#leaves.set(leaf, table);
    this.#sync(substream, 0);
    return table;
  }
}
