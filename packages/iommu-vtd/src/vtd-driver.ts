// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { TableMemory } from "@dmabuf/core/iommu";
import type { Simulation } from "@dmabuf/core/sim";
import { forDevice, ofDomain, ofPasid, type TaggedUnit } from "./cache-tags.ts";
import { TranslationType } from "./context-entry.ts";
import { DeviceEntries, PASIDS } from "./device-entries.ts";
import { DomainIds, PASS_THROUGH_ID } from "./domain-ids.ts";
import { type Descriptor, encode } from "./invalidation-descriptor.ts";
import { levelsOf } from "./paging-levels.ts";
import { Pgtt } from "./pasid-entry.ts";
import { RemappingHardware } from "./remapping-hardware.ts";
import { ReportedFaults } from "./reported-faults.ts";
import { StructureMemory } from "./structure-memory.ts";
import type { VtdDomain } from "./vtd-domain.ts";
import type { VtdSettings } from "./vtd-options.ts";
import { qiSubmit } from "./vtd-trace.ts";

/** What the driver waits for in the status that a wait descriptor writes. @see QI_DONE */
const DONE = 2;

/** The driver of a unit that translates, with its hardware: which device goes through what. */
export class VtdDriver implements TaggedUnit {
  readonly hardware: RemappingHardware;
  readonly faults: ReportedFaults;
  readonly snoopControl: boolean;
  readonly cachingMode: boolean;
  readonly pageSelective: boolean;
  readonly #name: string;
  readonly #settings: VtdSettings;
  readonly #simulation: Simulation;
  readonly #entries: DeviceEntries;
  readonly #ids: DomainIds<VtdDomain>;
  /** What each device goes through, and each PASID of it; by source id and PASID. */
  readonly #attached = new Map<string, VtdDomain | "identity">();

  constructor(name: string, settings: VtdSettings, tables: TableMemory, simulation: Simulation) {
    const { mode, coherentWalk, snoopControl, cachingMode, pageSelective, addressWidth, domainIds } =
      settings;
    this.snoopControl = snoopControl;
    this.cachingMode = cachingMode;
    this.pageSelective = pageSelective;
    this.#name = name;
    this.#settings = settings;
    this.#simulation = simulation;
    this.#ids = new DomainIds(name, domainIds);
    const memory = new StructureMemory(tables, !coherentWalk);
    this.#entries = new DeviceEntries(memory, mode);
    this.faults = new ReportedFaults(name, settings.faultRegisters, simulation);
    this.hardware = new RemappingHardware({
      ...{ memory, mode, tables, snoopControl, cachingMode, width: addressWidth },
      rootTable: this.#entries.rootTable,
      fault: (record) => this.faults.report(record),
    });
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
    const deviceTlb = this.#settings.deviceTlb.includes(source);
    if (domain !== "identity") {
      this.hardware.know(domain.table);
      domain.tags.add({ unit: this, domain: id, source, pasid, deviceTlb });
    }
    if (this.#settings.mode === "legacy") this.#setContext(source, domain, id, deviceTlb);
    else this.#setPasid(source, pasid ?? 0, domain, id, deviceTlb);
  }

  submit(descriptors: readonly Descriptor[]): void {
    const { omits } = this.#settings;
    const all = omits.includes("IH=0") ? descriptors.map(withLeavesOnly) : descriptors;
    const kept = all.filter(({ kind }) => !omits.includes(kind));
    const wait: Descriptor = { kind: "inv_wait_dsc", status: DONE, statusAddress: 0 };
    const queued = omits.includes("inv_wait_dsc") ? kept : [...kept, wait];
    const { trace } = this.#simulation;
    const words = queued.map((descriptor) => {
      const [w0, w1, w2, w3] = encode(descriptor);
      if (trace.wants(qiSubmit))
        trace.emit(qiSubmit, trace.intern(descriptor.kind), trace.intern(this.#name), w0, w1, w2, w3);
      return [w0, w1, w2, w3];
    });
    this.hardware.queue.submit(words);
  }

  /** @see intel_pasid_setup_page_snoop_control */
  enforcePageSnoop(source: number, pasid: number): void {
    const entry = this.#entries.pasid(source, pasid);
    if (entry === null) return;
    this.#entries.setPasid(source, pasid, { ...entry, pageSnoop: true });
    const { domainId: domain } = entry;
    this.submit([{ kind: "pc_inv_dsc", granularity: "selective", domain, pasid }]);
    this.submit([ofPasid(domain, pasid, null)]);
    if (this.#settings.deviceTlb.includes(source))
      this.submit([forDevice({ source, pasid: pasid === 0 ? undefined : pasid }, null)]);
  }

  /** @see domain_context_mapping_one, context_setup_pass_through */
  #setContext(source: number, domain: VtdDomain | "identity", domainId: number, deviceTlb: boolean): void {
    const through = domain === "identity";
    const { MULTI_LEVEL, DEV_IOTLB, PASS_THROUGH } = TranslationType;
    this.#entries.setContext(source, {
      faultsDisabled: false,
      type: through ? PASS_THROUGH : deviceTlb ? DEV_IOTLB : MULTI_LEVEL,
      pageTable: through ? 0 : domain.table.rootAddress,
      width: through ? this.#settings.addressWidth : domain.shape.width,
      domainId,
    });
    this.#flushAbsentContext(source, domainId);
  }

  /** @see intel_pasid_setup_first_level, intel_pasid_setup_second_level, intel_pasid_setup_pass_through */
  #setPasid(
    source: number,
    pasid: number,
    domain: VtdDomain | "identity",
    domainId: number,
    deviceTlb: boolean,
  ): void {
    if (this.#entries.addDirectory(source, deviceTlb)) this.#flushAbsentContext(source, 0);
    const through = domain === "identity";
    const first = !through && domain.shape.stage === "first-level";
    this.#entries.setPasid(source, pasid, {
      faultsDisabled: false,
      type: through ? Pgtt.PASS_THROUGH : first ? Pgtt.FIRST_LEVEL : Pgtt.SECOND_LEVEL,
      domainId,
      width: through ? this.#settings.addressWidth : domain.shape.width,
      pageTable: through ? 0 : domain.table.rootAddress,
      walkSnoop: this.#settings.coherentWalk,
      pageSnoop: first && domain.needsSnoopControl,
    });
    if (!this.cachingMode) return;
    this.submit([{ kind: "pc_inv_dsc", granularity: "selective", domain: domainId, pasid }]);
    this.submit([ofPasid(domainId, pasid, null)]);
  }

  /** An entry that is present by now may be kept as one that is not, in domain 0. @see context_present_cache_flush */
  #flushAbsentContext(source: number, domain: number): void {
    if (!this.cachingMode) return;
    this.submit([{ kind: "cc_inv_dsc", granularity: "selective", domain: 0, source }]);
    this.submit([ofDomain(domain, null)]);
  }

  #detach(source: number, pasid: number | undefined): void {
    const key = keyOf(source, pasid);
    const domain = this.#attached.get(key);
    if (domain === undefined) return;
    this.#attached.delete(key);
    if (this.#settings.mode === "legacy") this.#clearContext(source);
    else this.#clearPasid(source, pasid);
    if (domain === "identity") return;
    domain.tags.remove(this, source, pasid);
    this.#ids.release(domain);
  }

  /** @see domain_context_clear_one, intel_context_flush_present */
  #clearContext(source: number): void {
    const domain = this.#entries.context(source)?.domainId ?? 0;
    this.#entries.setContext(source, null);
    this.submit([{ kind: "cc_inv_dsc", granularity: "selective", domain, source }]);
    this.submit([ofDomain(domain, null)]);
    if (this.#settings.deviceTlb.includes(source))
      this.submit([forDevice({ source, pasid: undefined }, null)]);
  }

  /** @see intel_pasid_tear_down_entry */
  #clearPasid(source: number, carried: number | undefined): void {
    const pasid = carried ?? 0;
    const { domainId: domain = 0, type = 0 } = this.#entries.pasid(source, pasid) ?? {};
    this.#entries.setPasid(source, pasid, null);
    this.submit([{ kind: "pc_inv_dsc", granularity: "selective", domain, pasid }]);
    this.submit([type === Pgtt.SECOND_LEVEL ? ofDomain(domain, null) : ofPasid(domain, pasid, null)]);
    if (this.#settings.deviceTlb.includes(source)) this.submit([forDevice({ source, pasid: carried }, null)]);
  }

  #demandPasid(pasid: number): void {
    const [operation, of] = ["set_dev_pasid", this.#name];
    if (this.#settings.mode === "legacy")
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
    if (shape.coherentWalk !== coherentWalk)
      fail(
        `${coherentWalk ? "snoops" : "does not snoop"} when it walks, and the domain is written for the contrary`,
      );
    if (needsSnoopControl && !snoopControl) fail("has no Snoop Control, and the domain enforces snooping");
  }
}

const keyOf = (source: number, pasid: number | undefined): string => `${source} ${pasid ?? ""}`;

/** The hint that only leaves have changed, where a descriptor can have it. */
const withLeavesOnly = (descriptor: Descriptor): Descriptor =>
  descriptor.kind === "iotlb_inv_dsc" || descriptor.kind === "p_iotlb_inv_dsc"
    ? { ...descriptor, leafOnly: true }
    : descriptor;
