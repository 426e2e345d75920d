// SPDX-License-Identifier: MIT
import { type CoreServices, type DmaAddr, KernelError, PAGE_SIZE, type PhysAddr } from "@dmabuf/core";
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
import { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import { ArmSmmuDomain } from "./arm-smmu-domain.ts";
import { ArmSmmuEvtq } from "./arm-smmu-evtq.ts";
import type { ArmSmmuMaster, RidDomain } from "./arm-smmu-master.ts";
import { ArmSmmuStreams } from "./arm-smmu-streams.ts";
import { ArmSmmuStrtab } from "./arm-smmu-strtab.ts";
import { AtsDevice } from "./ats-device.ts";
import { CFGI_ALL_RANGE } from "./command.ts";
import { IdPool } from "./id-pool.ts";
import { SMMUv3 } from "./smmu-v3.ts";
import type { SmmuV3Figures } from "./smmu-v3-options.ts";
import { StructureMemory } from "./structure-memory.ts";

/** Where Linux has interrupts written to (M-52). @see MSI_IOVA_BASE */
const SW_MSI: ReservedRegion = { start: 0x800_0000, size: 0x10_0000, kind: "sw-msi" };
/** Most that the hypervisor's stage 2 maps: 512 GiB, one table of level 1. */
const GUEST_BITS = 39;
/** VMID of the guest, where the kernel is one. */
const GUEST_VMID = 1;

/** Linux's driver of an SMMUv3, and the hardware below it. @see drivers/iommu/arm/arm-smmu-v3 */
export class ArmSmmuV3 implements IommuUnit {
  readonly kind = "SMMUv3";
  readonly hardware: SMMUv3;
  readonly #figures: SmmuV3Figures;
  readonly #tables: TableMemory;
  readonly #memory: StructureMemory;
  readonly #cmdq: ArmSmmuCmdq;
  readonly #evtq: ArmSmmuEvtq;
  readonly #strtab: ArmSmmuStrtab;
  readonly #streams: ArmSmmuStreams;
  readonly #masters = new Map<number, ArmSmmuMaster>();
  readonly #atsDevices = new Map<number, AtsDevice>();
  readonly #domains = new Map<IommuTable, ArmSmmuDomain>();
  readonly #ids: IdPool;
  readonly #partialBlocks: "split" | "refuse";

  /** Probes: tables and queues are there, all streams are refused (M-42), and the SMMU is on. @see arm_smmu_device_probe */
  constructor(name: string, { simulation, tableMemory, kernel }: CoreServices, figures: SmmuV3Figures) {
    const { coherentWalk, stages, streamIdBits, streamTable, omits, eventQueue, ats, nested } = figures;
    this.#figures = figures;
    this.#partialBlocks = kernel.partialBlocks;
    this.#ids = new IdPool(figures.idBits);
    this.#tables = tableMemory({ owner: name, coherentWalk });
    this.#memory = new StructureMemory(this.#tables);
    const memory = this.#memory;
    const features = {
      ...figures,
      stage1: stages.includes(1),
      stage2: stages.includes(2),
    };
    this.hardware = new SMMUv3({ name, memory, features, eventQueue, trace: simulation.trace });
    const { hardware } = this;
    this.#cmdq = new ArmSmmuCmdq(hardware, omits);
    const cmdq = this.#cmdq;
    this.#evtq = new ArmSmmuEvtq(hardware, cmdq, figures.onPageFault ?? null);
    this.#strtab = new ArmSmmuStrtab(memory, cmdq, streamIdBits, streamTable);
    this.#streams = new ArmSmmuStreams({ figures, memory, cmdq, strtab: this.#strtab });
    hardware.streamTable = this.#strtab.place;
    hardware.commands.enabled = true;
    cmdq.issue([{ op: "CMD_CFGI_STE_RANGE", Range: CFGI_ALL_RANGE }, { op: "CMD_TLBI_NSNH_ALL" }]);
    hardware.events.enabled = true;
    hardware.pageRequests.enabled = ats;
    hardware.enabled = true;
    if (nested) this.#streams.parent = this.#makeParent();
  }

  probe(_device: string, ids: readonly number[]): readonly number[] {
    for (const id of ids) this.#strtab.add(id);
    return ids;
  }

  /** Page tables of stage 1, or of stage 2 where the SMMU has no other. Throws `KernelError` EBUSY or ENOSPC when ids run out. */
  allocateDomain(): ArmSmmuDomain {
    const stage = this.#figures.stages.includes(1) ? 1 : 2;
    const domain = this.#makeDomain(stage, this.#allocateId(stage));
    this.#domains.set(domain, domain);
    return domain;
  }

  freeDomain(table: IommuTable): void {
    const domain = this.#domains.get(table);
    if (domain === undefined) return;
    domain.release();
    this.#memory.remove(domain.table);
    this.#ids.giveBack(domain.id);
    this.#domains.delete(table);
  }

  attach(master: IommuMaster, domain: IommuTable | "identity" | "blocked", substream?: number): void {
    const of = master.devices.join(" and ");
    const known = this.#masterOf(master);
    const own: RidDomain | undefined = typeof domain === "object" ? this.#domains.get(domain) : domain;
    if (own === undefined)
      throw new KernelError("EINVAL", "arm_smmu_attach_dev", `${of}: the domain is another IOMMU's`);
    if (substream === undefined) this.#streams.attach(known, own, of);
    else this.#streams.attachSubstream(known, own, substream, of);
  }

  translation(id: number): DeviceTranslation {
    this.#strtab.add(id);
    if (this.#figures.ats) return this.#atsDevice(id);
    return {
      translate: (address, access, substream) =>
        this.hardware.translate({ streamId: id, substream, address, access }),
    };
  }

  reservedRegions(): readonly ReservedRegion[] {
    return [SW_MSI];
  }

  /** Devices from outside do not get to use ATS. @see pci_ats_supported */
  #masterOf({ ids, untrusted }: IommuMaster): ArmSmmuMaster {
    const known = this.#masters.get(ids[0] as number);
    if (known !== undefined) return known;
    const ats = this.#figures.ats && !untrusted ? ids.map((id) => this.#atsDevice(id)) : [];
    const master: ArmSmmuMaster = {
      streamIds: ids,
      ats,
      cdtab: null,
      domain: "blocked",
      substreams: new Map(),
    };
    for (const id of ids) {
      this.#strtab.add(id);
      this.#masters.set(id, master);
    }
    this.#evtq.add(master);
    return master;
  }

  #atsDevice(id: number): AtsDevice {
    const device = this.#atsDevices.get(id) ?? new AtsDevice(this.hardware, id);
    this.#atsDevices.set(id, device);
    return device;
  }

  #allocateId(stage: 1 | 2): number {
    const id = this.#ids.take();
    if (id !== null) return id;
    const reason = stage === 1 ? "all ASIDs are taken" : "all VMIDs are taken";
    throw new KernelError(stage === 1 ? "EBUSY" : "ENOSPC", "arm_smmu_domain_finalise", reason);
  }

  #makeDomain(stage: 1 | 2, id: number): ArmSmmuDomain {
    const { granules, inputBits, outputBits, coherentWalk, omits, rangeInvalidation, nested } = this.#figures;
    const domain: ArmSmmuDomain = new ArmSmmuDomain({
      config: lpaeConfig({
        stage,
        granules,
        inputBits: stage === 1 ? inputBits : outputBits,
        outputBits,
        coherentWalk,
        pageSize: PAGE_SIZE,
      }),
      id,
      parentVmid: stage === 1 && nested ? GUEST_VMID : 0,
      memory: this.#tables,
      cleans: !omits.includes("table clean"),
      partialBlocks: this.#partialBlocks,
      ranges: rangeInvalidation,
      invalidate: (tlbis, iova, size) => {
        this.#cmdq.issue(tlbis);
        this.#streams.invalidateAtcs(domain, iova, size);
      },
    });
    this.#memory.place(domain.table);
    return domain;
  }

  #makeParent(): ArmSmmuDomain {
    const parent = this.#makeDomain(2, GUEST_VMID);
    const size = 2 ** Math.min(this.#figures.outputBits, GUEST_BITS);
    parent.map(0 as DmaAddr, 0 as PhysAddr, size, IommuProt.READ | IommuProt.WRITE | IommuProt.CACHE);
    return parent;
  }
}
