// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { DeviceTranslation, IommuMaster, IommuTable, IommuUnit, TableMemory } from "@dmabuf/core/iommu";
import type { Trace } from "@dmabuf/core/sim";
import { lpaeConfig } from "../lpae/lpae-config.ts";
import { type LpaeFormat, lpaeFormat } from "../lpae/lpae-format.ts";
import type { ContextBank } from "./context-bank.ts";
import { type ContextFaultKind, faultBits } from "./fault-status.ts";
import { FSR, FSYNR0, sCR0 } from "./registers.ts";
import { SmmuDomain } from "./smmu-domain.ts";
import { GLOBAL } from "./smmu-tlb.ts";
import { SmmuV2 } from "./smmu-v2.ts";
import type { SmmuV2Figures } from "./smmu-v2-options.ts";
import type { StreamToContext } from "./stream-map.ts";
import { StreamMapping, streamOf } from "./stream-mapping.ts";

/** What the driver works with. */
export interface SmmuV2Hands {
  readonly name: string;
  readonly figures: SmmuV2Figures;
  readonly memory: TableMemory;
  readonly trace: Trace;
  /** The CPU's page size in bytes. */
  readonly pageSize: number;
  /** What the kernel does with a block of which a part is unmapped (M-26). */
  readonly partialBlocks: "split" | "refuse";
}

/** An SMMUv2 and its driver. @see drivers/iommu/arm/arm-smmu/arm-smmu.c */
export class SmmuV2Unit implements IommuUnit {
  readonly kind = "SMMUv2";
  readonly smmu: SmmuV2;
  readonly #hands: SmmuV2Hands;
  readonly #format: LpaeFormat;
  readonly #mapping: StreamMapping;
  readonly #domains = new Map<IommuTable, SmmuDomain>();
  /** Who has each context bank. */
  readonly #owners = new Map<ContextBank, SmmuDomain>();

  constructor(hands: SmmuV2Hands) {
    const { name, figures, trace, memory } = hands;
    const { contextBanks, streamMatches, streamIdBits, streamMatchMask, forbidden } = figures;
    this.#hands = hands;
    this.#format = lpaeFormat(lpaeConfig(offerOf(hands)));
    const { granule, end } = sizesOf(this.#format);
    const aborts = (at: number): boolean =>
      forbidden.some(({ start, size }) => at >= start && at < start + size);
    this.smmu = new SmmuV2({
      ...{ name, contextBanks, streamMatches, granule, end, trace, memory, aborts },
    });
    this.#mapping = new StreamMapping(this.smmu.streams, streamIdBits, streamMatchMask);
    this.smmu.onContextFault = (bank) => this.#contextFault(bank);
    this.smmu.onGlobalFault = () => {
      this.smmu.gfsr = 0;
    };
    this.#reset();
  }

  probe(device: string, ids: readonly number[]): readonly number[] {
    return this.#mapping.allocate(device, ids);
  }

  allocateDomain(): IommuTable {
    const { memory, figures, partialBlocks } = this.#hands;
    const { stall, omits } = figures;
    const { smmu } = this;
    const format = this.#format;
    const domain = new SmmuDomain({ smmu, format, memory, stall, partialBlocks, omits: new Set(omits) });
    this.#domains.set(domain.table, domain);
    return domain.table;
  }

  freeDomain(table: IommuTable): void {
    const domain = this.#domains.get(table);
    if (domain === undefined) return;
    if (domain.bank !== null) this.#owners.delete(domain.bank);
    domain.release();
    this.#domains.delete(table);
  }

  attach(master: IommuMaster, domain: IommuTable | "identity" | "blocked", substream?: number): void {
    if (substream !== undefined)
      throw this.#refusal("EOPNOTSUPP", `substream ${substream}, but an SMMUv2 has none`);
    const to = this.#leadTo(domain);
    this.#mapping.lead(this.#mapping.allocate(master.devices.join(" and "), master.ids), to);
  }

  translation(id: number): DeviceTranslation {
    const stream = streamOf(id);
    return { translate: (address, access) => this.smmu.translate(stream, address, access) };
  }

  /** Where a domain's streams are led; it takes a context bank when it has none yet. */
  #leadTo(table: IommuTable | "identity" | "blocked"): StreamToContext {
    if (table === "identity") return { type: "bypass", memory: this.#hands.figures.bypass ?? null };
    if (table === "blocked") return { type: "fault" };
    const domain = this.#domains.get(table);
    if (domain === undefined) throw this.#refusal("EINVAL", `the domain is not of ${this.#hands.name}`);
    if (domain.bank === null) this.#giveBank(domain);
    return { type: "translate", bank: domain.bank?.index ?? 0 };
  }

  #giveBank(domain: SmmuDomain): void {
    const { stage2Banks } = this.#hands.figures;
    const first = this.#format.config.stage === 1 ? stage2Banks : 0;
    const bank = this.smmu.banks.find((each) => each.index >= first && !this.#owners.has(each));
    if (bank === undefined) {
      const count = this.smmu.banks.length - first;
      throw this.#refusal("ENOSPC", `all ${count} context banks of ${this.#hands.name} are taken`);
    }
    this.#owners.set(bank, domain);
    domain.take(bank);
  }

  /** @see arm_smmu_device_reset */
  #reset(): void {
    const unidentified = this.#hands.figures.unidentified === "fault" ? sCR0.USFCFG : 0;
    const reports = sCR0.GFRE | sCR0.GFIE | sCR0.GCFGFRE | sCR0.GCFGFIE;
    const all = { register: "TLBIALLNSNH", tag: 0, address: 0, size: Number.POSITIVE_INFINITY } as const;
    this.smmu.invalidate(GLOBAL, all);
    this.smmu.sync(GLOBAL);
    this.smmu.scr0 = reports | sCR0.VMIDPNE | sCR0.PTM | unidentified;
  }

  /** Asks the handler, clears FSR, and writes RESUME where the access stands still (M-62). @see arm_smmu_context_fault */
  #contextFault(bank: ContextBank): void {
    const { fsr, fsynr0, far, cbfrsynra } = bank;
    const domain = this.#owners.get(bank);
    const kind = kinds.find((each) => (fsr & faultBits[each]) !== 0);
    const { onContextFault } = this.#hands.figures;
    let answer: "retry" | "terminate" = "terminate";
    if (onContextFault !== undefined && domain !== undefined && kind !== undefined) {
      const write = (fsynr0 & FSYNR0.WNR) !== 0;
      answer = onContextFault({ kind, address: far, write, stream: cbfrsynra, domain: domain.table });
    }
    bank.clear(fsr);
    if ((fsr & FSR.SS) !== 0) bank.resumed = answer;
  }

  #refusal(errno: "EINVAL" | "ENOSPC" | "EOPNOTSUPP", reason: string): KernelError {
    return new KernelError(errno, "iommu_attach_device", reason);
  }
}

const kinds = Object.keys(faultBits) as ContextFaultKind[];

/** The tables that its domains have: the stage that is asked for, or the only one there is (M-61). */
function offerOf({ figures, pageSize }: SmmuV2Hands): Parameters<typeof lpaeConfig>[0] {
  const { stages, stage: asked, granules, vaBits, ipaBits, paBits, coherentWalk } = figures;
  const stage = stages.includes(asked) ? asked : (stages[0] as 1 | 2);
  const [inputBits, outputBits] = stage === 1 ? [vaBits, ipaBits] : [ipaBits, paBits];
  return { stage, granules, inputBits, outputBits, coherentWalk, pageSize };
}

const sizesOf = ({ levels, config }: LpaeFormat): { granule: number; end: number } => ({
  granule: 2 ** (levels.at(-1)?.shift ?? 0),
  end: 2 ** config.inputBits,
});
