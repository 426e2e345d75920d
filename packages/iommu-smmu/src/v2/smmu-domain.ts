// SPDX-License-Identifier: MIT
import {
  type ClearedDescriptors,
  type IommuTable,
  PageTable,
  PagingDomain,
  type TableMemory,
} from "@dmabuf/core/iommu";
import type { LpaeFormat } from "../lpae/lpae-format.ts";
import type { ContextBank } from "./context-bank.ts";
import { contextBankRegisters } from "./context-bank-registers.ts";
import type { SmmuV2Omission } from "./omission.ts";
import { GLOBAL, type TlbiByAddress } from "./smmu-tlb.ts";
import type { SmmuV2 } from "./smmu-v2.ts";

/** What a domain of the driver is made of. */
export interface SmmuDomainOptions {
  readonly smmu: SmmuV2;
  readonly format: LpaeFormat;
  readonly memory: TableMemory;
  readonly stall: boolean;
  /** What becomes of a block of which a part is unmapped (M-26). */
  readonly partialBlocks: "split" | "refuse";
  readonly omits: ReadonlySet<SmmuV2Omission>;
}

/** A domain as Linux's driver has it: tables, a context bank from the first attach on, and what it writes to make TLBs forget. @see struct arm_smmu_domain */
export class SmmuDomain {
  readonly table: IommuTable;
  readonly #options: SmmuDomainOptions;
  readonly #pages: PageTable;
  #bank: ContextBank | null = null;
  /** Pages that were unmapped, and no invalidation was written yet. */
  #gathered: ClearedDescriptors[] = [];

  constructor(options: SmmuDomainOptions) {
    const { format, memory, partialBlocks, omits } = options;
    this.#options = options;
    this.#pages = new PageTable(format, {
      memory,
      partialBlocks,
      coherentWalk: format.config.coherentWalk || omits.has("sync_pte"),
      cleared: (what) => this.#cleared(what),
    });
    this.table = new PagingDomain({
      table: this.#pages,
      invalidation: { range: () => this.#invalidatePages(), all: () => this.#invalidateContext() },
    });
  }

  /** The context bank that it has; null before the first attach. */
  get bank(): ContextBank | null {
    return this.#bank;
  }

  /** Takes a context bank: ASID is its index, VMID one more (M-61). @see arm_smmu_init_domain_context */
  take(bank: ContextBank): void {
    const { format, stall } = this.#options;
    this.#bank = bank;
    const registers = contextBankRegisters(format.config, this.#pages.rootAddress, bank.index, stall);
    bank.write(registers, { table: this.#pages, format, tag: this.#tag });
  }

  /** Gives the context bank back, and the tables. @see arm_smmu_destroy_domain_context */
  release(): void {
    this.#bank?.disable();
    this.#invalidateContext();
    this.#pages.free();
    this.#bank = null;
  }

  get #isStage1(): boolean {
    return this.#options.format.config.stage === 1;
  }

  /** ASID or VMID; an SMMU's domains are all of one stage. */
  get #tag(): number {
    const index = this.#bank?.index ?? 0;
    return this.#isStage1 ? index : index + 1;
  }

  #cleared(what: ClearedDescriptors): void {
    if (this.#bank === null) return;
    if (what.leaf) {
      this.#gathered.push(what);
      return;
    }
    // What walks through a table has to be gone before the table is. @see tlb_flush_walk
    this.#write(this.#isStage1 ? "TLBIVA" : "TLBIIPAS2", what.iova, what.pageSize, this.#pages.granule);
    this.#sync(this.#bank.index);
  }

  /** @see arm_smmu_tlb_add_page_s1, arm_smmu_iotlb_sync */
  #invalidatePages(): void {
    if (this.#bank === null) return;
    const register = this.#isStage1 ? "TLBIVAL" : "TLBIIPAS2L";
    for (const { iova, pageSize, count } of this.#gathered.splice(0))
      this.#write(register, iova, pageSize * count, pageSize);
    this.#sync(this.#bank.index);
  }

  /** @see arm_smmu_tlb_inv_context_s1, arm_smmu_tlb_inv_context_s2 */
  #invalidateContext(): void {
    this.#gathered = [];
    if (this.#bank === null) return;
    const { smmu, omits } = this.#options;
    const register = this.#isStage1 ? "TLBIASID" : "TLBIVMID";
    const context = this.#isStage1 ? this.#bank.index : GLOBAL;
    const all = { register, tag: this.#tag, address: 0, size: Number.POSITIVE_INFINITY } as const;
    if (!omits.has(register)) smmu.invalidate(context, all);
    this.#sync(context);
  }

  #write(register: TlbiByAddress, address: number, size: number, granule: number): void {
    const { smmu, omits } = this.#options;
    if (omits.has(register)) return;
    smmu.invalidate(this.#bank?.index ?? GLOBAL, { register, tag: this.#tag, address, size }, granule);
  }

  #sync(context: number): void {
    const { smmu, omits } = this.#options;
    if (!omits.has(context === GLOBAL ? "sTLBGSYNC" : "TLBSYNC")) smmu.sync(context);
  }
}
