// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { DomainType } from "./domain-type.ts";
import type { IommuTable } from "./iommu-table.ts";
import type { IommuMaster, IommuUnit } from "./iommu-unit.ts";

/**
 * Devices that the IOMMU cannot tell apart: they share one domain, whoever owns it (M-2). It begins with the default domain,
 * which is the DMA API's; a driver that manages addresses by itself attaches one of its own (M-4). @see struct iommu_group
 */
export class IommuGroup {
  readonly unit: IommuUnit;
  readonly master: IommuMaster;
  /** What the DMA API has of it. */
  readonly defaultType: DomainType;
  #default: IommuTable | null = null;
  #current: IommuTable | "identity" | "blocked" | "default" = "default";
  /** PASIDs that have a domain of their own. */
  readonly #substreams = new Set<number>();
  #usesDmaApi = false;
  #isClaimed = false;

  /** For the board that boots. */
  constructor(unit: IommuUnit, master: IommuMaster, defaultType: DomainType) {
    this.unit = unit;
    this.master = master;
    this.defaultType = defaultType;
    if (defaultType === "identity") unit.attach(master, "identity");
  }

  /** Whether a driver has mapped through the DMA API. */
  get usesDmaApi(): boolean {
    return this.#usesDmaApi;
  }

  /** The tables of the default domain, made and attached when they are first asked for; not one of identity. */
  readonly defaultTable = (): IommuTable => {
    if (this.#default === null) {
      this.#default = this.unit.allocateDomain();
      if (this.#current === "default") this.unit.attach(this.master, this.#default);
    }
    return this.#default;
  };

  /** A driver uses the DMA API. Throws `KernelError` EBUSY while the group is claimed (M-4). @see iommu_device_use_default_domain */
  useDefaultDomain(): void {
    if (this.#isClaimed) {
      const reason = `${this.#names} is somebody's outside of the kernel`;
      throw new KernelError("EBUSY", "iommu_device_use_default_domain", reason);
    }
    this.#usesDmaApi = true;
  }

  /**
   * Puts a domain of a driver in the place of the default one, or blocks the group. Throws `KernelError` EBUSY when another one is
   * there already, and EINVAL for a group of several devices, or to block one that firmware uses (M-6); and as the IOMMU's driver
   * does. What was there before is there then. @see iommu_attach_device
   */
  attach(domain: IommuTable | "identity" | "blocked"): void {
    const { devices } = this.master;
    if (devices.length > 1) {
      const reason = `${this.#names} are one group, of which one alone cannot be attached`;
      throw new KernelError("EINVAL", "iommu_attach_device", reason);
    }
    if (this.#current !== "default" && this.#current !== "blocked")
      throw new KernelError("EBUSY", "iommu_attach_device", `${this.#names} is attached already`);
    if (domain === "blocked") this.#block("iommu_attach_device");
    else this.#attachInstead(domain);
    this.#current = domain;
  }

  /** Takes a driver's domain away: the default one is back, or nothing while the group is claimed. @see iommu_detach_device */
  detach(): void {
    if (this.#isClaimed) {
      this.unit.attach(this.master, "blocked");
      this.#current = "blocked";
      return;
    }
    this.unit.attach(this.master, this.#madeDefault ?? "blocked");
    this.#current = "default";
  }

  /**
   * Puts a domain behind the transactions that carry a PASID or SubstreamID, or nothing any more. Throws `KernelError` EBUSY when
   * there is one already, and as the IOMMU's driver does. @see iommu_attach_device_pasid, iommu_detach_device_pasid
   */
  attachSubstream(substream: number, domain: IommuTable | "blocked"): void {
    const taken = this.#substreams.has(substream);
    if (taken && domain !== "blocked") {
      const reason = `PASID ${substream} of ${this.#names} is attached already`;
      throw new KernelError("EBUSY", "iommu_attach_device_pasid", reason);
    }
    this.unit.attach(this.master, domain, substream);
    if (domain === "blocked") this.#substreams.delete(substream);
    else this.#substreams.add(substream);
  }

  /**
   * Takes the group for somebody outside of the kernel, who begins with nothing mapped. Throws `KernelError` EBUSY when a driver
   * uses it (M-4), EINVAL when firmware does (M-6). @see iommu_device_claim_dma_owner
   */
  claim(): void {
    if (this.#usesDmaApi || this.#current !== "default" || this.#substreams.size > 0) {
      const reason = `a driver uses ${this.master.devices.join(" or ")}`;
      throw new KernelError("EBUSY", "iommu_device_claim_dma_owner", reason);
    }
    this.#block("iommu_device_claim_dma_owner");
    this.#current = "blocked";
    this.#isClaimed = true;
  }

  /** Ends `claim`: the default domain is back. @see iommu_device_release_dma_owner */
  release(): void {
    this.#isClaimed = false;
    this.detach();
  }

  get #names(): string {
    return this.master.devices.join(" and ");
  }

  /** The default domain as far as there is one. */
  get #madeDefault(): IommuTable | "identity" | null {
    return this.defaultType === "identity" ? "identity" : this.#default;
  }

  /** A driver may have taken the domain before away when it refuses the next one: it comes back. @see __iommu_group_set_domain_internal */
  #attachInstead(domain: IommuTable | "identity"): void {
    try {
      this.unit.attach(this.master, domain);
    } catch (error) {
      const before = this.#current === "blocked" ? "blocked" : this.#madeDefault;
      if (before !== null) this.unit.attach(this.master, before);
      throw error;
    }
  }

  #block(operation: string): void {
    const regions = this.unit.reservedRegions?.(this.master) ?? [];
    if (regions.some(({ kind }) => kind === "direct"))
      throw new KernelError("EINVAL", operation, `firmware needs memory of ${this.#names} mapped`);
    this.unit.attach(this.master, "blocked");
  }
}
