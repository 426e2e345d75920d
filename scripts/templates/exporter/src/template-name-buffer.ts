// SPDX-License-Identifier: MIT
import type {
  Attachment,
  CoreServices,
  CpuPages,
  DmaBuf,
  DmaBufOps,
  DmaDirection,
  Extents,
  Process,
  SgMapping,
} from "@dmabuf/core";

/** What the exporter does for one of its buffers: a mapping for each attachment, and the maintenance of CPU brackets. */
export class TemplateNameBuffer implements DmaBufOps {
  readonly #services: CoreServices;
  readonly #extents: Extents;
  readonly #free: () => void;
  readonly #mappings = new Set<SgMapping>();

  /** @param free gives the memory back. */
  constructor(services: CoreServices, extents: Extents, free: () => void) {
    this.#services = services;
    this.#extents = extents;
    this.#free = free;
  }

  /** Maps with the DMA API's maintenance, unless the coherency policy does it elsewhere. */
  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const skipCpuSync = !attachment.buffer.core.policy.syncsAtMap(attachment);
    const mapping = this.#services.dma.mapSgtable(attachment.device, this.#extents, direction, { skipCpuSync });
    this.#mappings.add(mapping);
    return mapping;
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    this.#mappings.delete(mapping);
    this.#services.dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
  }

  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mappings) this.#services.dma.syncSgtableForCpu(mapping, direction);
  }

  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    for (const mapping of this.#mappings) this.#services.dma.syncSgtableForDevice(mapping, direction);
  }

  mmap(): CpuPages {
    return { extents: this.#extents, memoryType: "write-back" };
  }

  release(): void {
    this.#free();
  }
}
