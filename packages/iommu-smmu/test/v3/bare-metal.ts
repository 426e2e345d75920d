// SPDX-License-Identifier: MIT
import { IommuProt, LooseTableMemory, PageTable, type Translation } from "@dmabuf/core/iommu";
import { tcrFields, vtcrFields } from "../../src/lpae/control-fields.ts";
import type { LpaeConfig } from "../../src/lpae/lpae-config.ts";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { MAIR } from "../../src/lpae/memory-type.ts";
import { CD, CD_BYTES } from "../../src/v3/cd.ts";
import type { Command } from "../../src/v3/command.ts";
import { EVENT, eventName } from "../../src/v3/event.ts";
import type { SmmuFeatures } from "../../src/v3/smmu-features.ts";
import { SMMUv3 } from "../../src/v3/smmu-v3.ts";
import { Config, STE, STE_BYTES } from "../../src/v3/ste.ts";
import { StructureMemory } from "../../src/v3/structure-memory.ts";
import type { Transaction } from "../../src/v3/transaction.ts";

const { READ, WRITE, CACHE } = IommuProt;

type SteValues = Parameters<typeof STE.encode>[0];
type CdValues = Parameters<typeof CD.encode>[0];

/** Tables of 4 KiB pages for 39 bits in, as software without a kernel makes them. */
export const configOf = (stage: 1 | 2): LpaeConfig => ({
  stage,
  granule: "4KiB",
  inputBits: 39,
  outputBits: 40,
  coherentWalk: true,
});

/** An SMMU that a program drives without a kernel: a linear stream table of 16, and nothing in it. */
export class BareMetal {
  readonly tables = new LooseTableMemory();
  readonly memory = new StructureMemory(this.tables);
  readonly hardware: SMMUv3;
  readonly strtab: number;

  constructor(
    features: Partial<SmmuFeatures> = {},
    queues: { eventQueue?: number; commandQueue?: number } = {},
  ) {
    this.hardware = new SMMUv3({
      name: "smmu",
      memory: this.memory,
      features: {
        stage1: true,
        stage2: true,
        streamIdBits: 4,
        substreamBits: 12,
        outputBits: 40,
        ats: true,
        stall: true,
        rangeInvalidation: true,
        ...features,
      },
      ...queues,
    });
    this.strtab = this.memory.allocate(16 * STE_BYTES);
    this.hardware.streamTable = { address: this.strtab, log2Size: 4, split: null };
    this.hardware.commands.enabled = true;
    this.hardware.events.enabled = true;
    this.hardware.pageRequests.enabled = true;
    this.hardware.enabled = true;
  }

  /** Page tables, at a place of their own. */
  table(stage: 1 | 2): PageTable {
    const table = new PageTable(lpaeFormat(configOf(stage)), { memory: this.tables });
    this.memory.place(table);
    return table;
  }

  /** Maps pages of 4 KiB. */
  map(table: PageTable, iova: number, phys: number, count = 1, prot = READ | WRITE | CACHE): void {
    table.mapPages(iova, phys, 4096, count, prot);
  }

  /** Writes an entry somewhere. */
  put(at: number, words: Uint32Array): void {
    this.memory.put(at, words);
  }

  ste(streamId: number, values: SteValues): void {
    this.put(this.strtab + streamId * STE_BYTES, STE.encode({ V: 1, ...values }));
  }

  /** A linear table of CDs, the first of which is that. Returns where it is. */
  cds(...cds: readonly CdValues[]): number {
    const at = this.memory.allocate(CD_BYTES * 64);
    for (const [i, values] of cds.entries()) this.put(at + i * CD_BYTES, CD.encode(values));
    return at;
  }

  /** A CD for tables of stage 1. */
  cdOf(table: PageTable, values: CdValues = {}): CdValues {
    const { tsz, tg, ps } = tcrFields(configOf(1));
    return {
      ...{ V: 1, AA64: 1, T0SZ: tsz, TG0: tg, IPS: ps, EPD1: 1, A: 1, R: 1, ASID: 1 },
      ...{ TTB0: table.rootAddress, MAIR0: MAIR },
      ...values,
    };
  }

  /** Fields of an STE for tables of stage 2. */
  stage2Of(table: PageTable, vmid = 1): SteValues {
    const { tsz, tg, ps, sl } = vtcrFields(configOf(2));
    return {
      ...{ S2VMID: vmid, S2T0SZ: tsz, S2TG: tg, S2PS: ps, S2SL0: sl, S2AA64: 1, S2R: 1 },
      S2TTB: table.rootAddress,
    };
  }

  /** Stream 1 through stage 1, with one CD. Returns the tables. */
  stage1(cd: CdValues = {}, ste: SteValues = {}): PageTable {
    const table = this.table(1);
    this.ste(1, { Config: Config.S1_TRANS, S1ContextPtr: this.cds(this.cdOf(table, cd)), ...ste });
    return table;
  }

  /** Stream 1 through stage 2. Returns the tables. */
  stage2(ste: SteValues = {}): PageTable {
    const table = this.table(2);
    this.ste(1, { Config: Config.S2_TRANS, ...this.stage2Of(table), ...ste });
    return table;
  }

  send(...commands: readonly Command[]): void {
    for (const command of commands) this.hardware.commands.push(command);
  }

  /** Commands, and a CMD_SYNC behind them. */
  sync(...commands: readonly Command[]): void {
    this.send(...commands, { op: "CMD_SYNC" });
  }

  translate(address: number, access = READ, more: Partial<Transaction> = {}): Translation {
    return this.hardware.translate({ streamId: 1, address, access, ...more });
  }

  /** Where an access gets to, or the fault. */
  reach(address: number, access = READ, more: Partial<Transaction> = {}): number | string {
    const { fault, address: to } = this.translate(address, access, more);
    return fault ?? to;
  }

  /** Takes what was recorded out of the event queue: names, or all fields. */
  events(): { name: string | null; record: ReturnType<typeof EVENT.decode> }[] {
    const found = [];
    for (let words = this.hardware.events.consume(); words !== null; words = this.hardware.events.consume())
      found.push({ name: eventName(words), record: EVENT.decode(words) });
    return found;
  }

  names(): (string | null)[] {
    return this.events().map(({ name }) => name);
  }
}
