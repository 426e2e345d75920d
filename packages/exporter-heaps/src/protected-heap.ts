// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type BufferMemory,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  demandTrust,
  type Process,
  UntrustedAccess,
} from "@dmabuf/core";
import { type CarveOutRun, takeRun } from "./carve-out-memory.ts";
import { PagelessBuffer } from "./pageless-buffer.ts";
import { clearWriteCombining } from "./write-combining.ts";

/**
 * A heap of protected memory (H-9): one contiguous run, which firmware clears on the kernel's behalf before it hands it out.
 * Throws `KernelError` ENOMEM when no run is long enough.
 * @param name of the pool on the board. @param trustId what devices must be trusted with
 */
export function* protectedHeapAllocate(
  services: CoreServices,
  { name, trustId }: { readonly name: string; readonly trustId: string },
  size: number,
): Process<DmaBuf> {
  const { memory, cpu, dmaBuf } = services;
  const run = takeRun(memory, name, size);
  clearWriteCombining(services, run.extents);
  yield* cpu.settle();
  return dmaBuf.export({ exporterName: name, ops: new ProtectedBuffer(services, run, trustId), size });
}

/** Shared with devices that are trusted, whatever the kernel; never with the CPU (D20, H-9). */
class ProtectedBuffer extends PagelessBuffer {
  readonly #trustId: string;

  constructor(services: CoreServices, run: CarveOutRun, trustId: string) {
    super(services, run);
    this.#trustId = trustId;
  }

  /** Throws `UntrustedAccess`, a `KernelError` EPERM, for a device that is not trusted. */
  *attach(_buffer: DmaBuf, { device }: Attachment): Process {
    yield* this.services.cpu.settle();
    demandTrust(device, this.#trustId);
  }

  mmap(): CpuPages {
    throw this.#refused("dma_buf_mmap");
  }

  *vmap(): Process<CpuPages> {
    yield* this.services.cpu.settle();
    throw this.#refused("dma_buf_vmap");
  }

  *beginCpuAccess(): Process {
    yield* this.services.cpu.settle();
    throw this.#refused("dma_buf_begin_cpu_access");
  }

  *endCpuAccess(): Process {
    yield* this.services.cpu.settle();
    throw this.#refused("dma_buf_end_cpu_access");
  }

  override memory(): BufferMemory {
    return { ...super.memory(), trustId: this.#trustId };
  }

  #refused(operation: string): UntrustedAccess {
    return new UntrustedAccess(operation, null, this.#trustId);
  }
}
