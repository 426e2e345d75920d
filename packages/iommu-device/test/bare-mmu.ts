// SPDX-License-Identifier: MIT
import { assemble, dmaAddr, physAddr, type System } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import { type MmuContext, type MmuFactory, mmuCommand, type PrivateMmu } from "../src/index.ts";

const RW = IommuProt.READ | IommuProt.WRITE;

/** An MMU without a driver, and what it was told. */
export interface BareMmu {
  readonly system: System;
  readonly mmu: PrivateMmu;
  readonly commands: string[];
  /** Maps pages, and has them flushed where a driver would at once. */
  map(context: MmuContext, address: number, bus: number, size?: number, prot?: number): void;
  /** Unmaps as `map`. */
  unmap(context: MmuContext, address: number, size?: number): void;
  /** A job of an address space that reads or writes there. */
  job(
    context: MmuContext,
    address: number,
    access?: number,
  ): ReturnType<PrivateMmu["translation"]["translate"]>;
}

/** Boots a machine for it. */
export function bareMmu(factory: MmuFactory): BareMmu {
  const system = assemble(
    {
      model: "a bare MMU",
      memory: [{ base: 0x1000_0000, size: "32MiB" }],
      devices: { gpu: { class: "gpu", coherent: false } },
    },
    [toyArch()],
  ).boot();
  const commands: string[] = [];
  system.simulation.trace.subscribe(mmuCommand, (event) => commands.push(event.text("command")));
  const mmu = factory(system, "gpu");
  return {
    ...{ system, mmu, commands },
    map(context, address, bus, size = 4096, prot = RW) {
      context.map(dmaAddr(address), physAddr(bus), size, prot);
      if (mmu.flushes === "at-once") context.syncMap(dmaAddr(address), size);
    },
    unmap(context, address, size = 4096) {
      context.unmap(dmaAddr(address), size);
      if (mmu.flushes === "at-once") context.flush(dmaAddr(address), size);
    },
    job(context, address, access = IommuProt.READ) {
      mmu.switchTo(context);
      return mmu.translation.translate(address, access);
    },
  };
}
