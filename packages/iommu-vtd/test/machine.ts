// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  type DmaAddr,
  dmaAddr,
  type PhysAddr,
  type Plugin,
  type System,
} from "@dmabuf/core";
import { type IommuMaster, IommuProt, type IommuTable, type Translation } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import { type VtdOptions, vtd } from "../src/index.ts";
import { VtdDomain } from "../src/vtd-domain.ts";
import { VtdUnit } from "../src/vtd-unit.ts";

export const READ_WRITE = IommuProt.READ | IommuProt.WRITE;
/** Requester ids: 00:02.0, 00:14.0. */
export const GPU = 0x10;
export const USB = 0xa0;
/** Where the tests map. */
export const AT = 0x4000_0000;

const board: BoardDescription = {
  model: "a machine",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    gpu: { class: "gpu", coherent: true, iommu: { unit: "dmar0", ids: [GPU] } },
    usb: { class: "dma", coherent: true, iommu: { unit: "dmar0", ids: [USB] } },
  },
};

/** A running board of two devices behind a unit called dmar0; more units by name, with no device behind them. */
export class Machine {
  readonly system: System;
  readonly unit: VtdUnit;

  constructor(
    options: VtdOptions = {},
    { others = [], with: description = board }: { others?: Plugin[]; with?: BoardDescription } = {},
  ) {
    this.system = assemble(description, [toyArch(), vtd("dmar0", options), ...others]).boot();
    this.unit = this.unitNamed("dmar0");
  }

  unitNamed(name: string): VtdUnit {
    const unit = this.system.iommu(name);
    if (!(unit instanceof VtdUnit)) throw new TypeError(`${name} is no VT-d`);
    return unit;
  }

  /** A domain of the first unit, attached to devices. */
  domain(...sources: number[]): VtdDomain {
    const domain = this.unit.allocateDomain();
    if (!(domain instanceof VtdDomain)) throw new TypeError("no domain of VT-d");
    for (const source of sources) this.unit.attach(master(source), domain);
    return domain;
  }

  access(address: number, access: number = IommuProt.READ, source = GPU, pasid?: number): Translation {
    return this.unit.translation(source).translate(address, access, pasid);
  }

  /** Where an access gets to, or null. */
  reach(address: number, source = GPU, pasid?: number): number | null {
    const { fault, address: to } = this.access(address, IommuProt.READ, source, pasid);
    return fault === null ? to : null;
  }
}

export const master = (...ids: number[]): IommuMaster => ({ devices: ["gpu"], ids, untrusted: false });

export function mapIn(table: IommuTable, iova: number, phys: number, size: number, prot = READ_WRITE): void {
  table.map(iova as DmaAddr, phys as PhysAddr, size, prot);
  table.syncMap?.(iova as DmaAddr, size);
}

export function takeOut(table: IommuTable, iova: number, size: number): void {
  table.unmap(dmaAddr(iova), size);
  table.flush(dmaAddr(iova), size);
}
