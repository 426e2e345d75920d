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
  #usesDmaApi = false;

  /** For the board that boots. */
  constructor(unit: IommuUnit, master: IommuMaster, defaultType: DomainType) {
    this.unit = unit;
    this.master = master;
    this.defaultType = defaultType;
    if (defaultType === "identity") unit.attach(master, "identity");
  }

  /** Whether a driver has mapped through the DMA API. @see iommu_device_use_default_domain */
  get usesDmaApi(): boolean {
    return this.#usesDmaApi;
  }

  /** The tables of the default domain, made and attached when they are first asked for; not one of identity. */
  readonly defaultTable = (): IommuTable => {
    this.#usesDmaApi = true;
    if (this.#default === null) {
      this.#default = this.unit.allocateDomain();
      if (this.#current === "default") this.unit.attach(this.master, this.#default);
    }
    return this.#default;
  };

  /**
   * Puts a domain of a driver in the place of the default one, or blocks the group. Throws `KernelError` EBUSY when another one is
   * there already, and EINVAL for a group of several devices. @see iommu_attach_device
   */
  attach(domain: IommuTable | "identity" | "blocked"): void {
    const { devices } = this.master;
    if (devices.length > 1) {
      const reason = `${devices.join(" and ")} are one group, attach them together`;
      throw new KernelError("EINVAL", "iommu_attach_device", reason);
    }
    if (this.#current !== "default")
      throw new KernelError("EBUSY", "iommu_attach_device", `${devices[0]} is attached already`);
    this.unit.attach(this.master, domain);
    this.#current = domain;
  }

  /** Takes a driver's domain away: the default one is back. @see iommu_detach_device */
  detach(): void {
    this.#current = "default";
    this.unit.attach(
      this.master,
      this.#default ?? (this.defaultType === "identity" ? "identity" : "blocked"),
    );
  }

  /** Puts a domain behind the transactions that carry a PASID or SubstreamID. @see iommu_attach_device_pasid */
  attachSubstream(substream: number, domain: IommuTable | "blocked"): void {
    this.unit.attach(this.master, domain, substream);
  }

  /**
   * Takes the group for somebody outside of the kernel, who begins with nothing mapped. Throws `KernelError` EBUSY when a driver
   * uses the DMA API (M-4). @see iommu_device_claim_dma_owner
   */
  claim(): void {
    if (this.#usesDmaApi || this.#current !== "default") {
      const reason = `a driver uses ${this.master.devices.join(" or ")}`;
      throw new KernelError("EBUSY", "iommu_device_claim_dma_owner", reason);
    }
    const regions = this.unit.reservedRegions?.(this.master) ?? [];
    if (regions.some(({ kind }) => kind === "direct")) {
      const reason = `firmware needs ${this.master.devices[0]}'s memory mapped`;
      throw new KernelError("EINVAL", "iommu_device_claim_dma_owner", reason);
    }
    this.unit.attach(this.master, "blocked");
    this.#current = "blocked";
  }
}
