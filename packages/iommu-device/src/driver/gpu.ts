// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  demandOptions,
  type ImportedBuffer,
  type Importer,
  type Plugin,
  type Process,
} from "@dmabuf/core";
import { demandFactory, type MmuFactory, type PrivateMmu } from "../private-mmu.ts";
import { type GpuMapping, GpuProcess } from "./gpu-process.ts";
import { ProcessImport } from "./process-import.ts";

/** What kind of GPU it is. */
export interface GpuOptions {
  /** The MMU inside of it: `maliMmu()`, `etnavivV2()`. */
  readonly mmu: MmuFactory;
  /** How buffers are mapped that a pipeline attaches; default as `GpuMapping`. */
  readonly mapping?: Omit<GpuMapping, "address">;
}

/**
 * A GPU and its driver, which owns the MMU inside of it: the DMA API comes first, private tables are made of its result
 * (D23).
 */
export class Gpu implements Importer {
  readonly device: DmaDevice;
  readonly mmu: PrivateMmu;
  readonly services: CoreServices;
  readonly #mapping: GpuMapping;

  /** For `gpu`. */
  constructor(services: CoreServices, device: DmaDevice, { mmu, mapping = {} }: GpuOptions) {
    this.services = services;
    this.device = device;
    this.mmu = mmu(services, device.name);
    const { masks } = device;
    masks.setBoth(Math.min(this.mmu.addressBits, Math.round(Math.log2(masks.atBoot + 1))));
    this.#mapping = mapping;
  }

  /** Opens the GPU for a process, which gets an address space. Throws `KernelError` ENOMEM when there are no more. */
  open(): GpuProcess {
    return new GpuProcess(this, this.mmu.createContext());
  }

  /** Imports a buffer for a process of its own, as a program does that opens the GPU. Throws as `GpuProcess.import`. */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const { simulation } = buffer.core;
    return simulation.process(`attach ${this.device.name}`, this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const process = this.open();
    try {
      return new ProcessImport(process, yield* process.import(buffer, direction, this.#mapping));
    } catch (error) {
      process.close();
      throw error;
    }
  }
}

/**
 * The driver of a GPU with an MMU of its own, on the board's device of that name. `system.importer(device)` is then a
 * {@link Gpu}, whose `open` gives a process with an address space.
 */
export function gpu(device: string, options: GpuOptions): Plugin {
  demandOptions<GpuOptions>(device, options, { mmu: "any", mapping: "any" });
  demandFactory(device, options.mmu);
  if (options.mapping !== undefined)
    demandOptions(`${device}.mapping`, options.mapping, { snooped: "flag", readOnly: "flag" });
  return definePlugin({
    name: `@dmabuf/iommu-device gpu ${device}`,
    provides: { importers: { [device]: (services, master) => new Gpu(services, master, options) } },
  });
}
