// SPDX-License-Identifier: MIT
import type {
  Attachment,
  BufferMemory,
  CoreServices,
  DmaBufOps,
  DmaDirection,
  Process,
  SgMapping,
} from "@dmabuf/core";
import type { CarveOutRun } from "./carve-out-memory.ts";

/**
 * A buffer of memory without struct pages (D19): a device gets its bus address and nothing else. The linear map does not
 * have the memory, so that no cache line of the kernel's stands between it and a device: mapping maintains nothing, as for
 * a window of another device (D-9). @see dma_map_resource
 */
export class PagelessBuffer implements DmaBufOps {
  protected readonly services: CoreServices;
  protected readonly run: CarveOutRun;

  constructor(services: CoreServices, run: CarveOutRun) {
    this.services = services;
    this.run = run;
  }

  *map({ device }: Attachment, direction: DmaDirection): Process<SgMapping> {
    const { dma, cpu } = this.services;
    const mapping = dma.mapSgtable(device, this.run.extents, direction, { mmio: true });
    yield* cpu.settle();
    return mapping;
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    const { dma, cpu } = this.services;
    dma.unmapSgtable(mapping, { mmio: true });
    yield* cpu.settle();
  }

  memory(): BufferMemory {
    return { extents: this.run.extents, structPages: false };
  }

  release(): void {
    this.run.free();
  }
}
