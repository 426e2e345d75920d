// SPDX-License-Identifier: MIT
import { assemble, type DmaAddr, type PhysAddr, type System } from "@dmabuf/core";
import { IommuProt, type IommuTable, type Translation } from "@dmabuf/core/iommu";
import type { TraceEvent } from "@dmabuf/core/sim";
import { toyArch } from "@dmabuf/core/testing";
import type { SmmuV2Options } from "../../src/v2/smmu-v2-options.ts";
import { smmuV2 } from "../../src/v2/smmu-v2-plugin.ts";
import type { SmmuV2Unit } from "../../src/v2/smmu-v2-unit.ts";

const { READ, WRITE } = IommuProt;
export const RW = READ | WRITE;

/** A machine with an SMMUv2 called `smmu0`, devices behind it by their ids, and what its hardware said. */
export class Machine {
  readonly system: System;
  readonly unit: SmmuV2Unit;
  /** Events of the SMMU, as ftrace prints them. */
  readonly log: string[] = [];

  constructor(options: SmmuV2Options = {}, ids: Readonly<Record<string, readonly number[]>> = { dma: [1] }) {
    const devices = Object.entries(ids).map(
      ([name, of]) =>
        [name, { class: "dma", coherent: false, iommu: { unit: "smmu0", ids: of } } as const] as const,
    );
    const board = {
      model: "machine",
      memory: [{ base: 0, size: "64MiB" }],
      devices: Object.fromEntries(devices),
    } as const;
    this.system = assemble(board, [toyArch(), smmuV2("smmu0", options)]).boot();
    this.unit = this.system.iommu("smmu0") as SmmuV2Unit;
    this.system.simulation.trace.subscribe("*", (event: TraceEvent) => {
      if (event.point.system === "arm_smmu") this.log.push(event.toString());
    });
  }

  /** A domain of its own for a stream. */
  domain(id = 1): IommuTable {
    const table = this.unit.allocateDomain();
    this.attach(table, id);
    return table;
  }

  attach(table: IommuTable | "identity" | "blocked", id = 1): void {
    this.unit.attach({ devices: [`stream ${id}`], ids: [id], untrusted: false }, table);
  }

  access(address: number, access: number = READ, id = 1): Translation {
    return this.unit.translation(id).translate(address, access);
  }
}

export const map = (table: IommuTable, iova: number, phys: number, size: number, prot: number = RW): void =>
  table.map(iova as DmaAddr, phys as PhysAddr, size, prot);

export const unmap = (table: IommuTable, iova: number, size: number): number =>
  table.unmap(iova as DmaAddr, size);

export const flush = (table: IommuTable, iova: number, size: number): void =>
  table.flush(iova as DmaAddr, size);
