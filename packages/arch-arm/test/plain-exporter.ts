// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaBufOps,
  type DmaDirection,
  definePlugin,
  Extents,
  PAGE_SIZE,
  type Plugin,
  type Process,
  physAddr,
  type SgMapping,
} from "@dmabuf/core";

/**
 * Memory whose brackets do what the DMA API does, by the linear map's addresses, and nothing for other mappings:
 * those are their user's business.
 */
class PlainBuffer implements DmaBufOps {
  readonly #services: CoreServices;
  readonly #extents: Extents;
  readonly #order: number;
  readonly #mapped = new Map<Attachment, SgMapping>();

  constructor(services: CoreServices, extents: Extents, order: number) {
    this.#services = services;
    this.#extents = extents;
    this.#order = order;
  }

  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const mapping = this.#services.dma.mapSgtable(attachment.device, this.#extents, direction);
    this.#mapped.set(attachment, mapping);
    yield* this.#services.cpu.settle();
    return mapping;
  }

  *unmap(attachment: Attachment, mapping: SgMapping): Process {
    this.#mapped.delete(attachment);
    this.#services.dma.unmapSgtable(mapping);
    yield* this.#services.cpu.settle();
  }

  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mapped.values()) this.#services.dma.syncSgtableForCpu(mapping, direction);
    yield* this.#services.cpu.settle();
  }

  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mapped.values()) this.#services.dma.syncSgtableForDevice(mapping, direction);
    yield* this.#services.cpu.settle();
  }

  mmap(): CpuPages {
    return { extents: this.#extents, memoryType: "write-back" };
  }

  *vmap(): Process<CpuPages> {
    yield* this.#services.cpu.settle();
    return this.mmap();
  }

  release(): void {
    this.#services.memory.pages.freePages(physAddr(this.#extents.addressAt(0)), this.#order);
  }
}

/** The exporter `plain`: a power of two of pages in one piece, cleared through the linear map. */
export const plainExporter = (): Plugin =>
  definePlugin({
    name: "@acme/exporter-plain",
    provides: {
      exporters: {
        plain: (services) => ({
          *allocate(size) {
            const order = Math.log2(size / PAGE_SIZE);
            const page = services.memory.pages.allocatePages(order) as number;
            const extents = Extents.of([page, page + size]);
            services.cpu.access("clear", extents);
            yield* services.cpu.settle();
            const ops = new PlainBuffer(services, extents, order);
            return services.dmaBuf.export({ exporterName: "plain", ops, size });
          },
        }),
      },
    },
  });
