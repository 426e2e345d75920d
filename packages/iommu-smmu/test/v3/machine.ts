// SPDX-License-Identifier: MIT
import {
  assemble,
  type DmaAddr,
  type Finding,
  type FindingCode,
  type PhysAddr,
  type System,
} from "@dmabuf/core";
import { type IommuMaster, IommuProt, type IommuTable, type Translation } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import type { ArmSmmuV3 } from "../../src/v3/arm-smmu-v3.ts";
import type { SmmuV3Options } from "../../src/v3/smmu-v3-options.ts";
import { smmuV3 } from "../../src/v3/smmu-v3-plugin.ts";

const { READ, WRITE, CACHE } = IommuProt;

const board = {
  model: "two devices",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    nic: { class: "dma", coherent: false, iommu: { unit: "smmu", ids: [0x108] } },
    display: { class: "dma", coherent: false, addressBits: 28, iommu: { unit: "smmu", ids: [0x200] } },
  },
} as const;

const lazily = {
  ...board,
  devices: { nic: { ...board.devices.nic, iommu: { unit: "smmu", ids: [0x108], domain: "lazy" } } },
} as const;

const platform = (options: SmmuV3Options, domain: "strict" | "lazy" = "strict") =>
  assemble(domain === "lazy" ? lazily : board, [toyArch(), smmuV3("smmu", options)]);

/** Two devices behind an SMMUv3, as a driver of the kernel sees them. */
export class Machine {
  readonly system: System;
  readonly smmu: ArmSmmuV3;
  readonly nic: IommuMaster = { devices: ["nic"], ids: [0x108], untrusted: false };
  readonly display: IommuMaster = { devices: ["display"], ids: [0x200], untrusted: false };

  constructor(options: SmmuV3Options = {}) {
    this.system = platform(options).boot();
    this.smmu = this.system.iommu("smmu") as ArmSmmuV3;
  }

  /** A domain of its own for the first device. */
  attached(): IommuTable {
    const domain = this.smmu.allocateDomain();
    this.smmu.attach(this.nic, domain);
    return domain;
  }

  map(domain: IommuTable, iova: number, phys: number, size = 4096, prot = READ | WRITE | CACHE): void {
    domain.map(iova as DmaAddr, phys as PhysAddr, size, prot);
    domain.syncMap?.(iova as DmaAddr, size);
  }

  unmap(domain: IommuTable, iova: number, size = 4096): void {
    domain.unmap(iova as DmaAddr, size);
    domain.flush(iova as DmaAddr, size);
  }

  access(address: number, access = READ, substream?: number, id = 0x108): Translation {
    return this.smmu.translation(id).translate(address, access, substream);
  }

  /** Where an access gets to, or the fault. */
  reach(address: number, access = READ, substream?: number, id = 0x108): number | string {
    const { fault, address: to } = this.access(address, access, substream, id);
    return fault ?? to;
  }
}

/** Runs something on a machine of its own; what is found, by code, without notes. */
export function found(
  options: SmmuV3Options,
  run: (system: System) => void,
  domain: "strict" | "lazy" = "strict",
): Map<FindingCode, Finding> {
  const { findings } = platform(options, domain).inspect(function* (system) {
    run(system);
    yield 0;
  });
  const serious = findings.filter(({ severity }) => severity !== "note");
  return new Map(serious.map((finding) => [finding.code, finding]));
}
