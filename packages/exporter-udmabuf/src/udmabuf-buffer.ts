// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type BufferMemory,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaBufOps,
  type DmaDevice,
  type DmaDirection,
  type Extents,
  KernelError,
  type Process,
  type SgMapping,
} from "@dmabuf/core";
import { type PinnedRange, unpin } from "./pinned-range.ts";

/**
 * What udmabuf does for its buffers. Importers get mappings without cache maintenance (U-7); all of it is done on behalf
 * of udmabuf's own misc device, inside CPU brackets (U-8). @see drivers/dma-buf/udmabuf.c
 */
export class UdmabufBuffer implements DmaBufOps {
  /** Core keeps an attachment's first mapping, where the kernel has that (U-7). */
  readonly cacheSgtMapping = true;
  readonly #services: CoreServices;
  readonly #miscDevice: DmaDevice;
  readonly #ranges: readonly PinnedRange[];
  readonly #extents: Extents;
  /** The misc device's mapping; made by the first bracket, in that bracket's direction. */
  #table: SgMapping | null = null;

  /** @param extents the pinned pages in the buffer's order, one range a page. */
  constructor(
    services: CoreServices,
    miscDevice: DmaDevice,
    ranges: readonly PinnedRange[],
    extents: Extents,
  ) {
    this.#services = services;
    this.#miscDevice = miscDevice;
    this.#ranges = ranges;
    this.#extents = extents;
  }

  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const { dma, kernel, cpu } = this.#services;
    const skipCpuSync = kernel.udmabufMapSkipsSync || !attachment.buffer.core.policy.syncsAtMap(attachment);
    const mapping = dma.mapSgtable(attachment.device, this.#extents, direction, { skipCpuSync });
    yield* cpu.settle();
    return mapping;
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    const { dma, cpu } = this.#services;
    dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
    yield* cpu.settle();
  }

  /**
   * The first bracket maps the buffer for the misc device, for good and in its own direction; later ones hand the memory
   * to the CPU. Where the map skips its sync, the first one hands it over as well: an invalidate of lines that nobody
   * cleaned, so that what the CPU wrote before, the memfd's zeroes among it, can be lost (U-8).
   */
  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    const { dma, kernel, cpu } = this.#services;
    const first = this.#table === null;
    const skipCpuSync = kernel.udmabufMapSkipsSync;
    this.#table ??= dma.mapSgtable(this.#miscDevice, this.#extents, direction, { skipCpuSync });
    if (!first || skipCpuSync) dma.syncSgtableForCpu(this.#table, direction);
    yield* cpu.settle();
  }

  /** Throws `KernelError` EINVAL before the first begin (U-8). */
  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    if (this.#table === null) {
      throw new KernelError("EINVAL", "end_cpu_udmabuf", "no CPU access was begun on this buffer yet");
    }
    const { dma, cpu } = this.#services;
    dma.syncSgtableForDevice(this.#table, direction);
    yield* cpu.settle();
  }

  mmap(): CpuPages {
    return { extents: this.#extents, memoryType: "write-back" };
  }

  memory(): BufferMemory {
    return { extents: this.#extents };
  }

  /** Unmaps the misc device and unpins the pages; those whose memfd is closed are freed (U-10). */
  release(): void {
    if (this.#table !== null) {
      this.#services.dma.unmapSgtable(this.#table, { skipCpuSync: this.#table.skipCpuSync });
    }
    unpin(this.#ranges, this.#extents.pairs);
  }
}
