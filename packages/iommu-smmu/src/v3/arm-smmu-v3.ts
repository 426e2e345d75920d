// SPDX-License-Identifier: MIT
import { type CoreServices, type DmaAddr, KernelError, type PhysAddr } from "@dmabuf/core";
import {
  type DeviceTranslation,
  type IommuMaster,
  IommuProt,
  type IommuTable,
  type IommuUnit,
  type ReservedRegion,
  type TableMemory,
} from "@dmabuf/core/iommu";
import { lpaeConfig } from "../lpae/lpae-config.ts";
import { stage1Cd } from "./arm-smmu-cd.ts";
import { ArmSmmuCdtab } from "./arm-smmu-cdtab.ts";
import { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import { ArmSmmuDomain } from "./arm-smmu-domain.ts";
import { ArmSmmuEvtq } from "./arm-smmu-evtq.ts";
import type { ArmSmmuMaster, RidDomain } from "./arm-smmu-master.ts";
import { abortSte, bypassSte, cdTableSte, type SteTraits, stage2Ste } from "./arm-smmu-ste.ts";
import { ArmSmmuStrtab } from "./arm-smmu-strtab.ts";
import { ATC_INV_ALL, atcSpan } from "./ats.ts";
import { AtsDevice } from "./ats-device.ts";
import type { Command } from "./command.ts";
import type { PageFaultHandler } from "./iopf.ts";
import { SMMUv3 } from "./smmu-v3.ts";
import { type CompleteOptions, completeOptions, type SmmuV3Options } from "./smmu-v3-options.ts";
import { S1DSS } from "./ste.ts";
import { StructureMemory } from "./structure-memory.ts";

/** Where Linux has interrupts written to (M-52). @see MSI_IOVA_BASE */
const SW_MSI: ReservedRegion = { start: 0x800_0000, size: 0x10_0000, kind: "sw-msi" };
/** Most that the hypervisor's stage 2 maps: 512 GiB, one table of level 1. */
const GUEST_BITS = 39;
/** VMID of the guest, where the kernel is one. */
const GUEST_VMID = 1;
const ASIDS = 2 ** 16;

/** Linux's driver of an SMMUv3, and the hardware below it. @see drivers/iommu/arm/arm-smmu-v3 */
export class ArmSmmuV3 implements IommuUnit {
  readonly kind = "SMMUv3";
  readonly hardware: SMMUv3;
  readonly #options: CompleteOptions;
  readonly #tables: TableMemory;
  readonly #memory: StructureMemory;
  readonly #cmdq: ArmSmmuCmdq;
  readonly #evtq: ArmSmmuEvtq;
  readonly #strtab: ArmSmmuStrtab;
  /** The hypervisor's stage 2, where the kernel is a guest. */
  readonly #parent: ArmSmmuDomain | null;
  readonly #masters = new Map<number, ArmSmmuMaster>();
  readonly #atsDevices = new Map<number, AtsDevice>();
  readonly #domains = new Set<IommuTable>();
  #nextId = 1;

  /** Probes: tables and queues are there, all streams are refused, and the SMMU is on. @see arm_smmu_device_probe */
  constructor(name: string, services: CoreServices, options: SmmuV3Options) {
    const complete = completeOptions(name, options);
    const { coherentWalk, stages, streamIdBits, streamTable, omits, eventQueue } = complete;
    this.#options = complete;
    this.#tables = services.tableMemory({ owner: name, coherentWalk });
    this.#memory = new StructureMemory(this.#tables);
    this.hardware = new SMMUv3({
      name,
      memory: this.#memory,
      features: {
        ...complete,
        stage1: stages.includes("stage-1"),
        stage2: stages.includes("stage-2"),
      },
      eventQueue,
      trace: services.simulation.trace,
    });
    const { hardware } = this;
    this.#cmdq = new ArmSmmuCmdq(hardware, omits);
    this.#evtq = new ArmSmmuEvtq(hardware, this.#cmdq);
    this.#strtab = new ArmSmmuStrtab(this.#memory, this.#cmdq, streamIdBits, streamTable);
    hardware.streamTable = this.#strtab.place;
    hardware.commands.enabled = true;
    this.#cmdq.issue([{ op: "CMD_CFGI_STE_RANGE", Range: 31 }, { op: "CMD_TLBI_NSNH_ALL" }]);
    hardware.events.enabled = true;
    hardware.pageRequests.enabled = complete.ats;
    hardware.enabled = true;
    this.#parent = complete.nested ? this.#makeParent() : null;
  }

  /** Page tables of stage 1, or of stage 2 where the SMMU has no other. Throws `KernelError` EBUSY, ENOSPC when ids run out. */
  allocateDomain(): ArmSmmuDomain {
    const stage = this.#options.stages.includes("stage-1") ? 1 : 2;
    if (this.#nextId === ASIDS)
      throw new KernelError(
        stage === 1 ? "EBUSY" : "ENOSPC",
        "arm_smmu_domain_finalise",
        "all ids are in use",
      );
    const domain = this.#makeDomain(stage, this.#nextId++);
    this.#domains.add(domain);
    return domain;
  }

  attach(master: IommuMaster, domain: IommuTable | "identity" | "blocked", substream?: number): void {
    const known = this.#masterOf(master.ids);
    const of = master.devices.join(" and ");
    if (typeof domain === "object" && !this.#domains.has(domain))
      throw new KernelError("EINVAL", "arm_smmu_attach_dev", `${of}: the domain is another IOMMU's`);
    if (substream === undefined) this.#attach(known, domain as RidDomain, of);
    else this.#attachSubstream(known, domain as RidDomain, substream, of);
  }

  translation(id: number): DeviceTranslation {
    this.#strtab.add(id);
    const { hardware } = this;
    if (this.#options.ats) return this.#atsDevice(id);
    return {
      translate: (address, access, substream) =>
        hardware.translate({ streamId: id, substream, address, access }),
    };
  }

  reservedRegions(): readonly ReservedRegion[] {
    return [SW_MSI];
  }

  /** Has faults of a domain's devices that stall repaired by somebody; null for nobody. @see iommu_attach_handle_iopf */
  handleFaults(domain: IommuTable, handler: PageFaultHandler | null): void {
    this.#evtq.handle(domain, handler);
  }

  #masterOf(ids: readonly number[]): ArmSmmuMaster {
    const known = this.#masters.get(ids[0] as number);
    if (known !== undefined) return known;
    for (const id of ids) this.#strtab.add(id);
    const master: ArmSmmuMaster = {
      streamIds: ids,
      ats: this.#options.ats ? ids.map((id) => this.#atsDevice(id)) : [],
      cdtab: null,
      domain: "blocked",
      substreams: new Map(),
    };
    for (const id of ids) this.#masters.set(id, master);
    this.#evtq.add(master);
    return master;
  }

  #atsDevice(id: number): AtsDevice {
    const device = this.#atsDevices.get(id) ?? new AtsDevice(this.hardware, id);
    this.#atsDevices.set(id, device);
    return device;
  }

  /** @see arm_smmu_attach_dev, arm_smmu_attach_dev_ste */
  #attach(master: ArmSmmuMaster, domain: RidDomain, of: string): void {
    const isPaging = typeof domain === "object";
    const usesSubstreams = master.substreams.size > 0;
    if (isPaging && domain.stage === 2 && usesSubstreams)
      throw new KernelError("EBUSY", "arm_smmu_attach_dev", `${of}: substreams are in use`);
    const ats = this.#options.ats && isPaging;
    if (!ats) this.#switchAts(master, false);
    if (isPaging && domain.stage === 1) {
      const cdtab = this.#cdtabOf(master);
      cdtab.write(0, stage1Cd(domain.stage1, this.#options.stall));
    } else if (master.cdtab !== null && typeof master.domain === "object" && master.domain.stage === 1) {
      master.cdtab.write(0, new Uint32Array(16));
    }
    const ste = this.#steOf(master, domain);
    for (const id of master.streamIds) this.#strtab.write(id, ste);
    master.domain = domain;
    if (ats) this.#switchAts(master, true);
  }

  /** @see arm_smmu_set_pasid */
  #attachSubstream(master: ArmSmmuMaster, domain: RidDomain, substream: number, of: string): void {
    const operation = "iommu_attach_device_pasid";
    if (substream < 1 || substream >= 2 ** this.#options.substreamBits)
      throw new KernelError("EINVAL", operation, `${of}: there is no substream ${substream}`);
    if (domain === "blocked") {
      master.cdtab?.write(substream, new Uint32Array(16));
      master.substreams.delete(substream);
      this.#invalidateAtcs(master, 0, Number.POSITIVE_INFINITY, substream);
      return;
    }
    if (domain === "identity" || domain.stage !== 1)
      throw new KernelError("EINVAL", operation, `${of}: a substream has a domain of stage 1`);
    if (typeof master.domain === "object" && master.domain.stage === 2)
      throw new KernelError("EINVAL", operation, `${of}: what has no substream goes through a stage 2`);
    if (master.substreams.has(substream))
      throw new KernelError("EBUSY", operation, `${of}: substream ${substream} has a domain`);
    this.#cdtabOf(master).write(substream, stage1Cd(domain.stage1, this.#options.stall));
    const isFirst = master.substreams.size === 0;
    master.substreams.set(substream, domain);
    if (!isFirst || typeof master.domain === "object") return;
    const ste = this.#steOf(master, master.domain);
    for (const id of master.streamIds) this.#strtab.write(id, ste);
  }

  #steOf(master: ArmSmmuMaster, domain: RidDomain): Uint32Array {
    const { stall, ats } = this.#options;
    const traits: SteTraits = { ats: ats && typeof domain === "object", stall: stall ? "yes" : "no" };
    if (typeof domain === "object" && domain.stage === 2) return stage2Ste(domain.stage2, traits);
    const { cdtab, substreams } = master;
    const parent = this.#parent?.stage2 ?? null;
    if (typeof domain === "object")
      return cdTableSte(this.#cdtabOf(master).place, S1DSS.SSID0, traits, parent);
    if (substreams.size > 0 && cdtab !== null)
      return cdTableSte(cdtab.place, domain === "identity" ? S1DSS.BYPASS : S1DSS.TERMINATE, traits, parent);
    if (domain === "blocked") return abortSte();
    return parent === null ? bypassSte() : stage2Ste(parent, traits);
  }

  #cdtabOf(master: ArmSmmuMaster): ArmSmmuCdtab {
    master.cdtab ??= new ArmSmmuCdtab(
      this.#memory,
      this.#cmdq,
      master.streamIds,
      this.#options.substreamBits,
    );
    return master.cdtab;
  }

  #switchAts(master: ArmSmmuMaster, on: boolean): void {
    for (const { atc } of master.ats) atc.enabled = on;
    this.#invalidateAtcs(master, 0, Number.POSITIVE_INFINITY);
  }

  /** TLBIs, CMD_SYNC, and only then ATC_INVs and CMD_SYNC (M-49). @see arm_smmu_tlb_inv_range_domain */
  #invalidate(domain: ArmSmmuDomain, tlbis: Iterable<Command>, iova: number, size: number): void {
    for (const command of tlbis) this.#cmdq.send(command);
    this.#cmdq.send({ op: "CMD_SYNC" });
    for (const master of new Set(this.#masters.values())) {
      if (master.domain === domain) this.#invalidateAtcs(master, iova, size);
      for (const [substream, of] of master.substreams)
        if (of === domain) this.#invalidateAtcs(master, iova, size, substream);
    }
  }

  #invalidateAtcs(master: ArmSmmuMaster, iova: number, size: number, substream?: number): void {
    if (master.ats.length === 0) return;
    const span = size === Number.POSITIVE_INFINITY ? { Address: 0, Size: ATC_INV_ALL } : atcSpan(iova, size);
    const pasid = substream === undefined ? {} : { SSV: 1, SubstreamID: substream };
    this.#cmdq.issue(
      master.streamIds.map((StreamID) => ({ op: "CMD_ATC_INV", StreamID, ...pasid, ...span })),
    );
  }

  #makeDomain(stage: 1 | 2, id: number): ArmSmmuDomain {
    const { granules, inputBits, outputBits, coherentWalk, omits, rangeInvalidation } = this.#options;
    const domain: ArmSmmuDomain = new ArmSmmuDomain({
      config: lpaeConfig({
        stage,
        granules,
        inputBits: stage === 1 ? inputBits : outputBits,
        outputBits,
        coherentWalk,
        pageSize: 4096,
      }),
      id,
      parentVmid: stage === 1 && this.#options.nested ? GUEST_VMID : 0,
      memory: this.#tables,
      cleans: !omits.includes("table clean"),
      ranges: rangeInvalidation,
      invalidate: (tlbis, iova, size) => this.#invalidate(domain, tlbis, iova, size),
    });
    this.#memory.place(domain.table);
    return domain;
  }

  #makeParent(): ArmSmmuDomain {
    const parent = this.#makeDomain(2, GUEST_VMID);
    const bits = Math.min(this.#options.outputBits, GUEST_BITS);
    parent.map(0 as DmaAddr, 0 as PhysAddr, 2 ** bits, IommuProt.READ | IommuProt.WRITE | IommuProt.CACHE);
    return parent;
  }
}
