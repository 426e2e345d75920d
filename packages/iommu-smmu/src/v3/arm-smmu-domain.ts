// SPDX-License-Identifier: MIT
import { type ClearedDescriptors, PageTable, PagingDomain, type TableMemory } from "@dmabuf/core/iommu";
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
  /** What becomes of a block of which a part is unmapped (M-26). */
  readonly partialBlocks: "split" | "refuse";
  /** IDR3.RIL. */
  readonly ranges: boolean;
  /** Sends TLBIs and waits for them, and then the same for the devices' ATCs (M-49). */
  readonly invalidate: (tlbis: Iterable<Command>, iova: number, size: number) => void;
}

/** Page tables of stage 1 or 2, and the commands that make the SMMU forget them. @see struct arm_smmu_domain */
export class ArmSmmuDomain extends PagingDomain {
  readonly stage: 1 | 2;
  readonly #options: ArmSmmuDomainOptions;
  /** Pages that were unmapped, and no TLBI was sent yet. @see struct iommu_iotlb_gather */
  #gathered: ClearedDescriptors[] = [];

  constructor(options: ArmSmmuDomainOptions) {
    const { config, memory, cleans, partialBlocks } = options;
    super({
      table: new PageTable(lpaeFormat(config), {
        memory,
        partialBlocks,
        coherentWalk: config.coherentWalk || !cleans,
        cleared: (what) => this.#cleared(what),
      }),
      end: 2 ** config.inputBits,
      invalidation: {
        range: (iova, size) => this.#invalidatePages(iova, size),
        all: () => this.#invalidateContext(),
      },
    });
    this.stage = config.stage;
    this.#options = options;
  }

  /** ASID of stage 1, VMID of stage 2. */
  get id(): number {
    return this.#options.id;
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

  /** Nothing is remembered of the tables any more, and their memory is given back. @see arm_smmu_domain_free_paging */
  release(): void {
    this.#invalidateContext();
    this.table.free();
  }

  /** What walks through a table has to be gone before the table is. @see tlb_flush_walk */
  #cleared(what: ClearedDescriptors): void {
    if (what.leaf) {
      this.#gathered.push(what);
      return;
    }
    const { iova, pageSize } = what;
    const whole = { iova, pageSize: this.granule, count: pageSize / this.granule, leaf: false };
    this.#options.invalidate(this.#commands(whole), iova, pageSize);
  }

  /** @see arm_smmu_iotlb_sync */
  #invalidatePages(iova: number, size: number): void {
    const commands = this.#gathered.splice(0).flatMap((what) => [...this.#commands(what)]);
    this.#options.invalidate(commands, iova, size);
  }

  /** @see arm_smmu_tlb_inv_context */
  #invalidateContext(): void {
    this.#gathered = [];
    const { id, parentVmid, invalidate } = this.#options;
    const command: Command =
      this.stage === 1
        ? { op: "CMD_TLBI_NH_ASID", ASID: id, VMID: parentVmid }
        : { op: "CMD_TLBI_S12_VMALL", VMID: id };
    invalidate([command], 0, Number.POSITIVE_INFINITY);
  }

  /** @see arm_smmu_tlb_inv_range_domain */
  #commands({ iova, pageSize, count, leaf }: ClearedDescriptors): Iterable<Command> {
    const { id, parentVmid, ranges, config } = this.#options;
    const owner = this.stage === 1 ? { ASID: id, VMID: parentVmid } : { VMID: id };
    const op = this.stage === 1 ? "CMD_TLBI_NH_VA" : "CMD_TLBI_S2_IPA";
    const size = pageSize * count;
    return tlbCommands({
      op,
      owner,
      iova,
      size,
      pageSize,
      granuleShift: granuleShift[config.granule],
      leaf,
      ranges,
    });
  }
}
