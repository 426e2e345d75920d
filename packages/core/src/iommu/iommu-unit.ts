// SPDX-License-Identifier: MIT
import type { DomainType } from "./domain-type.ts";
import type { IommuTable } from "./iommu-table.ts";
import type { DeviceTranslation } from "./translation.ts";

/** A device, or several that the IOMMU cannot tell apart, as the IOMMU's driver sees them. @see struct iommu_group */
export interface IommuMaster {
  /** Names of the devices, in the board's order. */
  readonly devices: readonly string[];
  /** What their transactions carry: stream ids, requester ids. */
  readonly ids: readonly number[];
  /** Whether firmware says that one of them can be plugged in from outside. */
  readonly untrusted: boolean;
}

/** Addresses of a device that are not free (M-6). @see struct iommu_resv_region */
export interface ReservedRegion {
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  /**
   * `direct` is mapped to itself as long as a driver of the kernel has the device, so that nobody else can have it; for
   * `direct-relaxable` somebody else can. `reserved` is mapped by nobody; `msi` is where interrupts are written to, past the
   * tables, and `sw-msi` where somebody who has the device maps that himself: the DMA API hands those out like others (I-1).
   */
  readonly kind: "direct" | "direct-relaxable" | "reserved" | "msi" | "sw-msi";
}

/** An IOMMU of a running board, hardware and driver. @see struct iommu_ops */
export interface IommuUnit {
  /** What it is, as messages name it: `"SMMUv3"`. */
  readonly kind: string;
  /** Page tables for a domain that can be attached here. Throws `KernelError`. @see domain_alloc_paging */
  allocateDomain(): IommuTable;
  /**
   * Puts a master's transactions through a domain of this IOMMU, or past it, or nowhere.
   * @param substream the PASID or SubstreamID that alone is concerned; default those that carry none
   * Throws `KernelError` EINVAL for a domain of another IOMMU, EBUSY, ENOSPC as the driver does. @see attach_dev, set_dev_pasid
   */
  attach(master: IommuMaster, domain: IommuTable | "identity" | "blocked", substream?: number): void;
  /**
   * Hears of a device, once for each that is behind it, in the board's order. Returns what stands in the hardware for each of its
   * ids: devices that have one of those in common are one group (M-2). Left out where an id stands for itself. Throws
   * `KernelError` for ids that it has no room for: such a board does not boot. @see probe_device, device_group
   */
  probe?(device: string, ids: readonly number[]): readonly number[];
  /** Gives up a domain that nothing is attached to any more. @see struct iommu_domain_ops, free */
  freeDomain?(domain: IommuTable): void;
  /** How transactions with an id fare. */
  translation(id: number): DeviceTranslation;
  /** The domain that a master needs, whatever was asked for; null or left out where it does not matter. @see def_domain_type */
  defaultDomainType?(master: IommuMaster): DomainType | null;
  /** @see get_resv_regions */
  reservedRegions?(master: IommuMaster): readonly ReservedRegion[];
}
