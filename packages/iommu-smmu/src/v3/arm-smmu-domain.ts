// SPDX-License-Identifier: MIT
import { PageTable, PagingDomain, type TableMemory } from "@dmabuf/core/iommu";
import { tcrFields, vtcrFields } from "../lpae/control-fields.ts";
import { granuleShift } from "../lpae/granule.ts";
import type { LpaeConfig } from "../lpae/lpae-config.ts";
import { lpaeFormat } from "../lpae/lpae-format.ts";
import type { Stage1Place } from "./arm-smmu-cd.ts";
import { tlbCommands } from "./arm-smmu-invalidation.ts";
import type { Stage2Place } from "./arm-smmu-ste.ts";
import type { Command } from "./command.ts";

/** What a domain is made of. */
export interface ArmSmmuDomainOptions {
  readonly config: LpaeConfig;
  /** ASID of stage 1, VMID of stage 2. */
  readonly id: number;
  /** The VMID of the stage 2 behind a stage 1; 0 for none. */
  readonly parentVmid: number;
  readonly memory: TableMemory;
  /** Whether the driver cleans tables for a walker that does not snoop. */
  readonly cleans: boolean;
  /** IDR3.RIL. */
  readonly ranges: boolean;
  /** Sends TLBIs and waits for them, and then for the devices' ATCs (M-49). */
  readonly invalidate: (tlbis: Iterable<Command>, iova: number, size: number) => void;
}

/** Page tables of stage 1 or 2, and the commands that make the SMMU forget them. @see struct arm_smmu_domain */
export class ArmSmmuDomain extends PagingDomain {
  readonly stage: 1 | 2;
  readonly #options: ArmSmmuDomainOptions;

  constructor(options: ArmSmmuDomainOptions) {
    const { config, memory, cleans, invalidate } = options;
    const table = new PageTable(lpaeFormat(config), { memory, coherentWalk: config.coherentWalk || !cleans });
    super({
      table,
      end: 2 ** config.inputBits,
      invalidation: {
        range: (iova, size) => invalidate(this.#range(iova, size, table.unusedTables === 0), iova, size),
        all: () => invalidate([this.#all()], 0, Number.POSITIVE_INFINITY),
        mapped: (iova, size) => {
          if (table.unusedTables === 0) return;
          invalidate(this.#range(iova, size, false), iova, size);
          table.collect();
        },
      },
    });
    this.stage = config.stage;
    this.#options = options;
  }

  /** What goes into a CD, for a stage 1. */
  get stage1(): Stage1Place {
    const { config, id } = this.#options;
    return { asid: id, tcr: tcrFields(config), root: this.table.rootAddress };
  }

  /** What goes into an STE, for a stage 2. */
  get stage2(): Stage2Place {
    const { config, id } = this.#options;
    return { vmid: id, vtcr: vtcrFields(config), root: this.table.rootAddress };
  }

  /** All of it. @see arm_smmu_tlb_inv_context */
  #all(): Command {
    const { id, parentVmid } = this.#options;
    return this.stage === 1
      ? { op: "CMD_TLBI_NH_ASID", ASID: id, VMID: parentVmid }
      : { op: "CMD_TLBI_S12_VMALL", VMID: id };
  }

  /** A range of it; a table that was freed takes the walk cache along. @see arm_smmu_tlb_inv_range_domain */
  #range(iova: number, size: number, leaf: boolean): Iterable<Command> {
    const { id, parentVmid, ranges, config } = this.#options;
    const shift = granuleShift[config.granule];
    const range = { iova, size, granuleShift: shift, leaf, ranges };
    return this.stage === 1
      ? tlbCommands({ op: "CMD_TLBI_NH_VA", owner: { ASID: id, VMID: parentVmid }, ...range })
      : tlbCommands({ op: "CMD_TLBI_S2_IPA", owner: { VMID: id }, ...range });
  }
}
