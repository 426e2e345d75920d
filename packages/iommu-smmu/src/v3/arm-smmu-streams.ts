// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { stage1Cd } from "./arm-smmu-cd.ts";
import { ArmSmmuCdtab } from "./arm-smmu-cdtab.ts";
import type { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import type { ArmSmmuDomain } from "./arm-smmu-domain.ts";
import type { ArmSmmuMaster, RidDomain } from "./arm-smmu-master.ts";
import { abortSte, bypassSte, cdTableSte, type SteTraits, stage2Ste } from "./arm-smmu-ste.ts";
import type { ArmSmmuStrtab } from "./arm-smmu-strtab.ts";
import { ATC_INV_ALL, atcSpan } from "./ats.ts";
import type { SmmuV3Figures } from "./smmu-v3-options.ts";
import { S1DSS } from "./ste.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** What streams are attached with. */
interface Hands {
  readonly figures: SmmuV3Figures;
  readonly memory: StructureMemory;
  readonly cmdq: ArmSmmuCmdq;
  readonly strtab: ArmSmmuStrtab;
}

/** Which domain each master's transactions go through: STEs, CDs, and ATS on top. @see arm_smmu_attach_dev */
export class ArmSmmuStreams {
  /** The hypervisor's stage 2, where the kernel is a guest. */
  parent: ArmSmmuDomain | null = null;
  readonly #hands: Hands;
  readonly #masters = new Set<ArmSmmuMaster>();

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /**
   * Changes what transactions without a substream go through. Throws `KernelError` EBUSY for a stage 2 while substreams are in
   * use (M-51). @see arm_smmu_attach_dev, arm_smmu_attach_dev_ste
   */
  attach(master: ArmSmmuMaster, domain: RidDomain, of: string): void {
    this.#masters.add(master);
    const { figures, strtab } = this.#hands;
    const isPaging = typeof domain === "object";
    if (isPaging && domain.stage === 2 && master.substreams.size > 0)
      throw new KernelError("EBUSY", "arm_smmu_attach_dev", `${of}: substreams are in use`);
    const ats = master.ats.length > 0 && isPaging;
    if (!ats) this.#switchAts(master, false);
    if (isPaging && domain.stage === 1)
      this.#cdtabOf(master).write(0, stage1Cd(domain.stage1, figures.stall));
    const ste = this.#steOf(master, domain);
    for (const id of master.streamIds) strtab.write(id, ste);
    if (!isPaging && typeof master.domain === "object") master.cdtab?.write(0, new Uint32Array(16));
    master.domain = domain;
    if (ats) this.#switchAts(master, true);
  }

  /**
   * Changes what a substream goes through. Throws `KernelError` EINVAL for what has no stage 1, and EBUSY for a substream that
   * has a domain (M-51). @see arm_smmu_set_pasid
   */
  attachSubstream(master: ArmSmmuMaster, domain: RidDomain, substream: number, of: string): void {
    this.#masters.add(master);
    const { figures, strtab } = this.#hands;
    const fail = (errno: "EINVAL" | "EBUSY", reason: string): KernelError =>
      new KernelError(errno, "iommu_attach_device_pasid", `${of}: ${reason}`);
    if (substream < 1 || substream >= 2 ** figures.substreamBits)
      throw fail("EINVAL", `there is no substream ${substream}`);
    if (domain === "blocked") {
      master.cdtab?.write(substream, new Uint32Array(16));
      master.substreams.delete(substream);
      this.#invalidateAtcs(master, 0, Number.POSITIVE_INFINITY, substream);
      return;
    }
    if (domain === "identity" || domain.stage !== 1)
      throw fail("EINVAL", "a substream has a domain of stage 1");
    if (typeof master.domain === "object" && master.domain.stage === 2)
      throw fail("EINVAL", "what carries no substream goes through a stage 2");
    if (master.substreams.has(substream)) throw fail("EBUSY", `substream ${substream} has a domain`);
    this.#cdtabOf(master).write(substream, stage1Cd(domain.stage1, figures.stall));
    master.substreams.set(substream, domain);
    if (typeof master.domain === "object" || master.substreams.size > 1) return;
    const ste = this.#steOf(master, master.domain);
    for (const id of master.streamIds) strtab.write(id, ste);
  }

  /** CMD_ATC_INVs to all devices that a domain is attached to, and CMD_SYNC. @see arm_smmu_atc_inv_domain */
  invalidateAtcs(domain: ArmSmmuDomain, iova: number, size: number): void {
    for (const master of this.#masters) {
      if (master.domain === domain) this.#invalidateAtcs(master, iova, size);
      for (const [substream, of] of master.substreams)
        if (of === domain) this.#invalidateAtcs(master, iova, size, substream);
    }
  }

  #steOf(master: ArmSmmuMaster, domain: RidDomain): Uint32Array {
    const { stall } = this.#hands.figures;
    const ats = master.ats.length > 0;
    const traits: SteTraits = { ats: ats && typeof domain === "object", stall: stall ? "yes" : "no" };
    if (typeof domain === "object" && domain.stage === 2) return stage2Ste(domain.stage2, traits);
    const { cdtab, substreams } = master;
    const parent = this.parent?.stage2 ?? null;
    if (typeof domain === "object")
      return cdTableSte(this.#cdtabOf(master).place, S1DSS.SSID0, traits, parent);
    if (substreams.size > 0 && cdtab !== null)
      return cdTableSte(cdtab.place, domain === "identity" ? S1DSS.BYPASS : S1DSS.TERMINATE, traits, parent);
    if (domain === "blocked") return abortSte();
    return parent === null ? bypassSte() : stage2Ste(parent, traits);
  }

  #cdtabOf(master: ArmSmmuMaster): ArmSmmuCdtab {
    const { memory, cmdq, figures } = this.#hands;
    master.cdtab ??= new ArmSmmuCdtab(memory, cmdq, master.streamIds, figures.substreamBits);
    return master.cdtab;
  }

  #switchAts(master: ArmSmmuMaster, on: boolean): void {
    for (const { atc } of master.ats) atc.enabled = on;
    this.#invalidateAtcs(master, 0, Number.POSITIVE_INFINITY);
  }

  #invalidateAtcs(master: ArmSmmuMaster, iova: number, size: number, substream?: number): void {
    if (master.ats.length === 0) return;
    const span = size === Number.POSITIVE_INFINITY ? { Address: 0, Size: ATC_INV_ALL } : atcSpan(iova, size);
    const pasid = substream === undefined ? {} : { SSV: 1, SubstreamID: substream };
    this.#hands.cmdq.issue(
      master.streamIds.map((StreamID) => ({ op: "CMD_ATC_INV", StreamID, ...pasid, ...span })),
    );
  }
}
