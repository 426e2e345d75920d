// SPDX-License-Identifier: MIT
import type {
  Attachment,
  BufferMemory,
  CoreServices,
  CpuPages,
  DmaBuf,
  DmaBufOps,
  DmaDirection,
  Extents,
  Process,
  SgMapping,
} from "@dmabuf/core";

/**
 * What the system and the CMA heap do for their buffers, which is the same but for where the memory comes from. Each
 * attachment has a mapping of its own, and a CPU bracket does the maintenance of every one that is mapped (H-4 to H-6).
 * @see drivers/dma-buf/heaps/system_heap.c
 */
export class HeapBuffer implements DmaBufOps {
  /** Each attachment has a table of its own (H-4), which the proposal lets differ from those of the others (D14). */
  readonly listPerImporter = true;
  readonly #services: CoreServices;
  readonly #extents: Extents;
  readonly #free: () => void;
  /** The attachments that are mapped (H-4); made at the first map. */
  #mapped: Map<Attachment, SgMapping> | null = null;

  /** @param extents one range a chunk. @param free gives the memory back. */
  constructor(services: CoreServices, extents: Extents, free: () => void) {
    this.#services = services;
    this.#extents = extents;
    this.#free = free;
  }

  /** Maps with the DMA API's maintenance, unless the coherency policy does it elsewhere (H-4). */
  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const skipCpuSync = !attachment.buffer.core.policy.syncsAtMap(attachment);
    const { dma, cpu } = this.#services;
    const { buffer, device } = attachment;
    const list = buffer.listFor(device, this.#extents);
    const mapping = dma.mapSgtable(device, list, direction, { skipCpuSync });
    this.#mapped ??= new Map();
    this.#mapped.set(attachment, mapping);
    yield* cpu.settle();
    return mapping;
  }

  *unmap(attachment: Attachment, mapping: SgMapping): Process {
    this.#mapped?.delete(attachment);
    const { dma, cpu } = this.#services;
    dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
    yield* cpu.settle();
  }

  /**
   * Nothing happens for attachments that are not mapped: their map will clean (H-5). A kernel mapping, whose lines their
   * maintenance may miss, comes first.
   */
  *beginCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    const { dma, cpu } = this.#services;
    buffer.kernelMapping?.invalidateRange();
    for (const mapping of this.#mappings(buffer)) dma.syncSgtableForCpu(mapping, direction);
    yield* cpu.settle();
  }

  *endCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    const { dma, cpu } = this.#services;
    buffer.kernelMapping?.flushRange();
    for (const mapping of this.#mappings(buffer)) dma.syncSgtableForDevice(mapping, direction);
    yield* cpu.settle();
  }

  mmap(): CpuPages {
    return { extents: this.#extents, memoryType: "write-back" };
  }

  /** Cached, like user mappings (H-7). @see system_heap_vmap */
  *vmap(): Process<CpuPages> {
    yield* this.#services.cpu.settle();
    return this.mmap();
  }

  memory(): BufferMemory {
    return { extents: this.#extents };
  }

  release(): void {
    this.#free();
  }

  /** The mappings in the order in which their attachments came. */
  #mappings(buffer: DmaBuf): SgMapping[] {
    return buffer.attachments
      .map((attachment) => this.#mapped?.get(attachment))
      .filter((one) => one !== undefined);
  }
}
