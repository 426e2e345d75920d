// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type BufferMemory,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaBufOps,
  type DmaConstraints,
  type DmaDirection,
  type Process,
  type SgMapping,
  unconstrained,
} from "@dmabuf/core";
import { cmaHeapBuffer } from "./cma-heap.ts";
import type { HeapBuffer } from "./heap-buffer.ts";
import { systemHeapBuffer } from "./system-heap.ts";

/**
 * A heap that chooses memory as late as it can: at the first map, of all devices that have attached by then, or when user space
 * maps it before (D13, PR-12). A kernel that does not ask what devices can take gets the system heap's pages at once. Throws
 * `KernelError` as the heap that it takes the memory from, which may be when the buffer is mapped.
 */
export function* deferredHeapAllocate(services: CoreServices, size: number): Process<DmaBuf> {
  const { cpu, dmaBuf, kernel } = services;
  const ops = kernel.constrainsAttach ? new DeferredBuffer(services, size) : systemHeapBuffer(services, size);
  yield* cpu.settle();
  return dmaBuf.export({ exporterName: "deferred", ops, size });
}

/** A buffer without memory at first. One list for all, as the proposal had it: what all can take together must hold (PR-10). */
class DeferredBuffer implements DmaBufOps {
  readonly #services: CoreServices;
  readonly #size: number;
  #chosen: HeapBuffer | null = null;

  constructor(services: CoreServices, size: number) {
    this.#services = services;
    this.#size = size;
  }

  /** Scattered pages for devices that take any number of pieces, one run of the CMA pool for the others. */
  *allocate(_buffer: DmaBuf, constraints: DmaConstraints): Process {
    this.#choose(constraints);
    yield* this.#services.cpu.settle();
  }

  map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    return this.#choose(attachment.buffer.constraints).map(attachment, direction);
  }

  unmap(attachment: Attachment, mapping: SgMapping): Process {
    return this.#choose(null).unmap(attachment, mapping);
  }

  *beginCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    if (this.#chosen !== null) yield* this.#chosen.beginCpuAccess(buffer, direction);
  }

  *endCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    if (this.#chosen !== null) yield* this.#chosen.endCpuAccess(buffer, direction);
  }

  mmap({ constraints }: DmaBuf): CpuPages {
    return this.#choose(constraints).mmap();
  }

  vmap({ constraints }: DmaBuf): Process<CpuPages> {
    return this.#choose(constraints).vmap();
  }

  memory(): BufferMemory | null {
    return this.#chosen?.memory() ?? null;
  }

  release(): void {
    this.#chosen?.release();
  }

  #choose(constraints: DmaConstraints | null): HeapBuffer {
    const { contiguous, maxSegmentCount } = constraints ?? unconstrained;
    const few = contiguous || maxSegmentCount !== unconstrained.maxSegmentCount;
    this.#chosen ??= (few ? cmaHeapBuffer : systemHeapBuffer)(this.#services, this.#size);
    return this.#chosen;
  }
}
