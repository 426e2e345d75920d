// SPDX-License-Identifier: MIT
import { AssemblyError, type CoreServices, KernelError } from "@dmabuf/core";
import {
  type DeviceTranslation,
  type DomainType,
  type IommuMaster,
  type IommuTable,
  type IommuUnit,
  PageTable,
  type ReservedRegion,
  type TableMemory,
  untranslated,
} from "@dmabuf/core/iommu";
import { firstLevel } from "./first-level.ts";
import { FlushedMemory } from "./flushed-memory.ts";
import { INTERRUPT_RANGE } from "./remapping-hardware.ts";
import { secondLevel } from "./second-level.ts";
import { sourceName } from "./source-id.ts";
import { VtdDomain } from "./vtd-domain.ts";
import { VtdDriver } from "./vtd-driver.ts";
import { settingsOf, type VtdOptions, type VtdSettings } from "./vtd-options.ts";

/** Classes whose firmware memory is of no use any more once Linux runs. @see device_rmrr_is_relaxable */
const relaxable: readonly string[] = ["usb", "gpu", "display"];

/** A remapping unit of a running board: what the kernel knows of it. @see intel_iommu_ops */
export class VtdUnit implements IommuUnit {
  readonly kind = "Intel VT-d";
  readonly name: string;
  readonly settings: VtdSettings;
  /** Driver and hardware; null for a unit that is off. */
  readonly driver: VtdDriver | null;
  readonly #services: CoreServices;
  readonly #memory: TableMemory;

  constructor(name: string, options: VtdOptions, services: CoreServices) {
    const settings = settingsOf(name, options);
    const { coherentWalk, omits } = settings;
    this.name = name;
    this.settings = settings;
    this.#services = services;
    const memory = services.tableMemory({ owner: name, coherentWalk });
    this.#memory = new FlushedMemory(memory, !omits.includes("clflush"));
    this.driver = settings.off ? null : new VtdDriver(name, settings, this.#memory, services.simulation);
  }

  /** Throws `KernelError` ENODEV for a unit that is off, ENOMEM. */
  allocateDomain(): IommuTable {
    this.#demandOn("domain_alloc_paging");
    const {
      stage,
      addressWidth: width,
      superpages,
      hostAddressWidth,
      coherentWalk,
      snoop,
      snoopControl,
    } = this.settings;
    const format =
      stage === "first-level" && width !== 39
        ? firstLevel(width, superpages, hostAddressWidth)
        : secondLevel(width, superpages, hostAddressWidth);
    const { diagnostics } = this.#services.simulation;
    const table: PageTable = new PageTable(format, {
      memory: this.#memory,
      coherentWalk,
      partialBlocks: this.#services.kernel.partialBlocks,
      keepsFirst: true,
      overwritten: (iova) => {
        const text = `DMA PTE for 0x${iova.toString(16)} already set, to 0x${(table.lookup(iova) ?? 0).toString(16)}, which stays`;
        diagnostics.warn("M-70", "__domain_mapping", text);
      },
    });
    const snoopsCacheable = snoop === "cacheable" && snoopControl;
    return new VtdDomain(table, { stage, width, superpages, coherentWalk, snoopsCacheable });
  }

  attach(master: IommuMaster, domain: IommuTable | "identity" | "blocked", pasid?: number): void {
    if (this.driver === null && domain === "identity") return;
    const driver = this.#demandOn("attach_dev");
    if (typeof domain !== "string" && !(domain instanceof VtdDomain))
      throw new KernelError("EINVAL", "attach_dev", `the domain is none of ${this.kind}`);
    if (typeof domain !== "string" && domain.isFree)
      throw new KernelError("EINVAL", "attach_dev", "the domain was given up");
    for (const source of master.ids) {
      if (master.untrusted) driver.distrust(source);
      driver.attach(source, domain, pasid);
    }
  }

  /** Gives the tables' memory back. Throws `KernelError` EBUSY for a domain that is attached. @see intel_iommu_domain_free */
  freeDomain(domain: IommuTable): void {
    if (!(domain instanceof VtdDomain) || domain.isFree) return;
    const [tag] = domain.tags.tags;
    if (tag !== undefined)
      throw new KernelError("EBUSY", "iommu_domain_free", `${sourceName(tag.source)} still goes through it`);
    this.driver?.hardware.forget(domain.table);
    domain.free();
  }

  translation(id: number): DeviceTranslation {
    const { driver } = this;
    if (driver === null) return { translate: (address) => untranslated(address) };
    const { hardware } = driver;
    return { translate: (address, access, pasid) => hardware.translate(id, address, access, pasid) };
  }

  /** Throws `AssemblyError` for devices that are not in its scope. */
  defaultDomainType({ devices, ids }: IommuMaster): DomainType | null {
    const { scope, off, strict } = this.settings;
    const outside = ids.find((id) => id > 0xffff || (scope !== null && !scope.includes(id)));
    if (outside !== undefined) {
      const where = `${devices.join(" and ")}: ${sourceName(outside)}`;
      throw new AssemblyError(`${where} is not in the scope of ${this.name}`);
    }
    if (off) return "identity";
    const identity = this.#described(devices).some(
      ({ iommu }) => typeof iommu === "object" && iommu.domain === "identity",
    );
    return strict && !identity ? "strict" : null;
  }

  reservedRegions({ devices, ids }: IommuMaster): readonly ReservedRegion[] {
    const { rmrr, off } = this.settings;
    if (off) return [];
    const relaxed = this.#described(devices).every((device) => relaxable.includes(device.class));
    const kind = relaxed ? "direct-relaxable" : "direct";
    const { start, end } = INTERRUPT_RANGE;
    return [
      ...rmrr
        .filter((region) => region.ids.some((id) => ids.includes(id)))
        .map(({ start: first, size }) => ({ start: first, size, kind }) as const),
      { start, size: end - start, kind: "msi" },
    ];
  }

  #described(devices: readonly string[]) {
    const { board } = this.#services;
    return devices.flatMap((name) => board.devices[name] ?? []);
  }

  #demandOn(operation: string): VtdDriver {
    if (this.driver === null) throw new KernelError("ENODEV", operation, `${this.name} is off`);
    return this.driver;
  }
}
