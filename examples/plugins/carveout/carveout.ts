// SPDX-License-Identifier: MIT
import {
  type Attachment,
  alignUp,
  CmaPool,
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
} from "@dmabuf/core";

/** Which physical memory is ours. */
export interface CarveoutOptions {
  /** First address, a multiple of the page size. */
  readonly base: number;
  /** Bytes, a multiple of the page size. */
  readonly size: number;
}

/** Hands out contiguous buffers of memory that was set aside for it. */
class Carveout implements Exporter {
  readonly #services: CoreServices;
  readonly #pool: CmaPool;

  constructor(services: CoreServices, { base, size }: CarveoutOptions) {
    this.#services = services;
    this.#pool = new CmaPool("carveout", physAddr(base), size / PAGE_SIZE);
  }

  /** A buffer of whole pages. Throws `KernelError` EINVAL for 0 bytes, ENOMEM when no run is long enough. */
  allocate(size: number): Process<DmaBuf> {
    return this.#services.simulation.process("carveout_allocate", this.#allocate(alignUp(size, PAGE_SIZE)));
  }

  *#allocate(size: number): Process<DmaBuf> {
    const { cpu, dmaBuf } = this.#services;
    if (!(size > 0)) throw new KernelError("EINVAL", "carveout_allocate", `a buffer of ${size} bytes`);
    const pages = size / PAGE_SIZE;
    const start = this.#pool.allocate(pages, 0);
    if (start === null) {
      const reason = `no ${pages} contiguous pages are left, ${this.#pool.freePages} of ${this.#pool.pages} are free`;
      throw new KernelError("ENOMEM", "carveout_allocate", reason);
    }
    const extents = Extents.of([start, start + size]);
    cpu.access("clear", extents);
    yield* cpu.settle();
    const ops = new CarveoutBuffer(this.#services, extents, () => this.#pool.free(start, pages));
    return dmaBuf.export({ exporterName: "carveout", ops, size });
  }
}

/** What dma-buf asks of one buffer. */
class CarveoutBuffer implements DmaBufOps {
  readonly #services: CoreServices;
  readonly #extents: Extents;
  readonly #free: () => void;
  readonly #mapped = new Set<SgMapping>();

  constructor(services: CoreServices, extents: Extents, free: () => void) {
    this.#services = services;
    this.#extents = extents;
    this.#free = free;
  }

  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const skipCpuSync = !attachment.buffer.core.policy.syncsAtMap(attachment);
    const { dma, cpu } = this.#services;
    const mapping = dma.mapSgtable(attachment.device, this.#extents, direction, { skipCpuSync });
    this.#mapped.add(mapping);
    yield* cpu.settle();
    return mapping;
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    const { dma, cpu } = this.#services;
    this.#mapped.delete(mapping);
    dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
    yield* cpu.settle();
  }

  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mapped) this.#services.dma.syncSgtableForCpu(mapping, direction);
    yield* this.#services.cpu.settle();
  }

  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mapped) this.#services.dma.syncSgtableForDevice(mapping, direction);
    yield* this.#services.cpu.settle();
  }

  mmap(): CpuPages {
    return { extents: this.#extents, memoryType: "write-back" };
  }

  release(): void {
    this.#free();
  }
}

/** The exporter `carveout`: contiguous buffers out of [base, base + size), which the board must keep away from others. */
export const carveout = (options: CarveoutOptions): Plugin =>
  definePlugin({
    name: "@acme/exporter-carveout",
    provides: { exporters: { carveout: (services) => new Carveout(services, options) } },
  });
