// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaBufOps,
  type DmaDirection,
  definePlugin,
  type Exporter,
  Extents,
  KernelError,
  PAGE_SIZE,
  type Plugin,
  type Process,
  physAddr,
  type SgMapping,
} from "../../src/index.ts";

/** A buffer of scattered pages that are mapped, synced and freed as they should be. Each step can be overridden. */
export class PageBuffer implements DmaBufOps {
  readonly services: CoreServices;
  readonly extents: Extents;
  readonly mapped = new Map<Attachment, SgMapping>();

  constructor(services: CoreServices, extents: Extents) {
    this.services = services;
    this.extents = extents;
  }

  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const mapping = this.services.dma.mapSgtable(attachment.device, this.extents, direction);
    this.mapped.set(attachment, mapping);
    yield* this.services.cpu.settle();
    return mapping;
  }

  *unmap(attachment: Attachment, mapping: SgMapping): Process {
    this.mapped.delete(attachment);
    this.services.dma.unmapSgtable(mapping);
    yield* this.services.cpu.settle();
  }

  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.mapped.values()) this.services.dma.syncSgtableForCpu(mapping, direction);
    yield* this.services.cpu.settle();
  }

  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.mapped.values()) this.services.dma.syncSgtableForDevice(mapping, direction);
    yield* this.services.cpu.settle();
  }

  mmap(_buffer: DmaBuf): CpuPages {
    return { extents: this.extents, memoryType: "write-back" };
  }

  release(_buffer: DmaBuf): void {
    freePages(this.services, this.extents);
  }
}

export function freePages({ memory }: CoreServices, { pairs }: Extents): void {
  for (let i = 0; i < pairs.length; i += 2) memory.pages.freePages(physAddr(pairs[i] as number), 0);
}

/** An exporter that does everything right. Each step can be overridden. */
export class PageExporter implements Exporter {
  readonly services: CoreServices;

  constructor(services: CoreServices) {
    this.services = services;
  }

  allocate(size: number): Process<DmaBuf> {
    return this.services.simulation.process("allocate", this.allocateProcess(size));
  }

  *allocateProcess(size: number): Process<DmaBuf> {
    if (size === 0) throw new KernelError("EINVAL", "allocate", "0 bytes");
    const extents = this.pages(size / PAGE_SIZE);
    this.clear(extents);
    yield* this.services.cpu.settle();
    return this.export(extents, size);
  }

  pages(count: number): Extents {
    const starts: number[] = [];
    for (let i = 0; i < count; i++) {
      const page = this.page();
      if (page === null) this.outOfMemory(starts);
      else starts.push(page);
    }
    return Extents.each(
      starts,
      starts.map((start) => start + PAGE_SIZE),
    );
  }

  page(): number | null {
    return this.services.memory.pages.allocatePages(0);
  }

  outOfMemory(starts: readonly number[]): never {
    for (const start of starts) this.services.memory.pages.freePages(physAddr(start), 0);
    throw new KernelError("ENOMEM", "allocate", "no page is left");
  }

  clear(extents: Extents): void {
    this.services.cpu.access("clear", extents);
  }

  export(extents: Extents, size: number): DmaBuf {
    return this.services.dmaBuf.export({ exporterName: "page", ops: this.ops(extents), size });
  }

  ops(extents: Extents): DmaBufOps {
    return new PageBuffer(this.services, extents);
  }
}

/** The plugin around an exporter. */
export const pagePlugin = (Class: new (services: CoreServices) => Exporter = PageExporter): Plugin =>
  definePlugin({
    name: "@dmabuf/core:page-exporter",
    provides: { exporters: { page: (services) => new Class(services) } },
  });

/** The plugin around an exporter whose buffers are of a class of their own. */
export const bufferPlugin = (Class: new (services: CoreServices, extents: Extents) => DmaBufOps): Plugin =>
  pagePlugin(
    class extends PageExporter {
      override ops(extents: Extents): DmaBufOps {
        return new Class(this.services, extents);
      }
    },
  );
