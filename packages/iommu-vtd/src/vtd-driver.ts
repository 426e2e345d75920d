// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { TableMemory } from "@dmabuf/core/iommu";
import type { Simulation } from "@dmabuf/core/sim";
import type { CacheTag, TaggedUnit } from "./cache-tags.ts";
import { DeviceEntries, PASIDS } from "./device-entries.ts";
import type { DeviceSetup } from "./device-setup.ts";
import { DomainIds, PASS_THROUGH_ID } from "./domain-ids.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import { LegacySetup } from "./legacy-setup.ts";
import { levelsOf } from "./paging-levels.ts";
import { QueuedInvalidation } from "./queued-invalidation.ts";
import { RemappingHardware } from "./remapping-hardware.ts";
import { ReportedFaults } from "./reported-faults.ts";
import { ScalableSetup } from "./scalable-setup.ts";
import { StructureMemory } from "./structure-memory.ts";
import type { VtdDomain } from "./vtd-domain.ts";
import type { VtdSettings } from "./vtd-options.ts";

/** The driver of a unit that translates, with its hardware: which device goes through what. */
export class VtdDriver implements TaggedUnit {
  readonly hardware: RemappingHardware;
  readonly faults: ReportedFaults;
  readonly snoopControl: boolean;
  readonly cachingMode: boolean;
  readonly pageSelective: boolean;
  readonly #name: string;
  readonly #settings: VtdSettings;
  readonly #queue: QueuedInvalidation;
  readonly #scalable: ScalableSetup | null;
  readonly #setup: DeviceSetup;
  readonly #ids: DomainIds<VtdDomain>;
  /** What each device goes through, and each PASID of it; by source id and PASID. */
  readonly #attached = new Map<string, VtdDomain | "identity">();
  /** Devices that may keep translations. */
  readonly #deviceTlbs: Set<number>;

  constructor(name: string, settings: VtdSettings, tables: TableMemory, simulation: Simulation) {
    const { mode, coherentWalk, snoopControl, cachingMode, pageSelective, addressWidth } = settings;
    this.snoopControl = snoopControl;
    this.cachingMode = cachingMode;
    this.pageSelective = pageSelective;
    this.#name = name;
    this.#settings = settings;
    this.#ids = new DomainIds(name, settings.domainIds);
    this.#deviceTlbs = new Set(settings.deviceTlb);
    const memory = new StructureMemory(tables, !coherentWalk);
    const entries = new DeviceEntries(memory, mode);
    this.faults = new ReportedFaults(name, settings.faultRegisters, simulation);
    this.hardware = new RemappingHardware({
      ...{ memory, mode, tables, snoopControl, cachingMode, width: addressWidth },
      rootTable: entries.rootTable,
      fault: (record) => this.faults.report(record),
    });
    this.#queue = new QueuedInvalidation(name, settings.omits, this.hardware.queue, simulation.trace);
    const hands = { entries, settings, submit: (all: readonly Descriptor[]) => this.submit(all) };
    this.#scalable = mode === "scalable" ? new ScalableSetup(hands) : null;
    this.#setup = this.#scalable ?? new LegacySetup(hands);
  }

  /** Takes care that a device from outside keeps no translations, as it could make them up. @see pci_ats_supported */
  distrust(source: number): void {
    this.#deviceTlbs.delete(source);
  }

  /**
   * Puts a device's requests, or those of a PASID, through a domain. What it went through before is taken away first, so that
   * requests in between fault. @see intel_iommu_attach_device, intel_iommu_set_dev_pasid
   */
  attach(source: number, domain: VtdDomain | "identity" | "blocked", pasid?: number): void {
    if (pasid !== undefined) this.#demandPasid(pasid);
    if (typeof domain !== "string") this.#demandFit(domain);
    this.#detach(source, pasid);
    if (domain === "blocked") return;
    const id = domain === "identity" ? PASS_THROUGH_ID : this.#ids.take(domain);
    this.#attached.set(keyOf(source, pasid), domain);
    const deviceTlb = this.#deviceTlbs.has(source);
    if (domain !== "identity") {
      this.hardware.know(domain.table);
      domain.tags.add({ unit: this, domain: id, source, pasid, deviceTlb });
    }
    this.#setup.set({ source, pasid, domain, id, deviceTlb });
  }

  submit(descriptors: readonly Descriptor[]): void {
    this.#queue.submit(descriptors);
  }

  enforcePageSnoop({ source, pasid, deviceTlb }: CacheTag): void {
    this.#scalable?.enforcePageSnoop(source, pasid, deviceTlb);
  }

  #detach(source: number, pasid: number | undefined): void {
    const key = keyOf(source, pasid);
    const domain = this.#attached.get(key);
    if (domain === undefined) return;
    this.#attached.delete(key);
    this.#setup.clear(source, pasid, this.#deviceTlbs.has(source));
    if (domain === "identity") return;
    domain.tags.remove(this, source, pasid);
    this.#ids.release(domain);
  }

  #demandPasid(pasid: number): void {
    const [operation, of] = ["set_dev_pasid", this.#name];
    if (this.#scalable === null)
      throw new KernelError("EOPNOTSUPP", operation, `${of} is in legacy mode, in which there are no PASIDs`);
    if (!(Number.isInteger(pasid) && pasid > 0 && pasid < PASIDS))
      throw new KernelError("EINVAL", operation, `${pasid} is not a PASID from 1 to ${PASIDS - 1}`);
  }

  /** @see paging_domain_compatible */
  #demandFit({ shape, needsSnoopControl }: VtdDomain): void {
    const { mode, addressWidth, superpages, coherentWalk, snoopControl } = this.#settings;
    const fail = (reason: string): never => {
      throw new KernelError("EINVAL", "attach_dev", `${this.#name} ${reason}`);
    };
    if (shape.stage === "first-level" && mode === "legacy")
      fail("cannot use first-level tables in legacy mode");
    if (levelsOf(shape.width) > levelsOf(addressWidth))
      fail(`translates ${addressWidth} bits, the domain has ${shape.width}`);
    const unknown = shape.superpages.find((superpage) => !superpages.includes(superpage));
    if (unknown !== undefined) fail(`knows no pages of ${unknown}, the domain may have them`);
    if (shape.coherentWalk !== coherentWalk) {
      const does = coherentWalk ? "snoops" : "does not snoop";
      fail(`${does} when it walks, and the domain is written for the contrary`);
    }
    if (needsSnoopControl && !snoopControl) fail("has no Snoop Control, and the domain enforces snooping");
  }
}

const keyOf = (source: number, pasid: number | undefined): string => `${source} ${pasid ?? ""}`;
