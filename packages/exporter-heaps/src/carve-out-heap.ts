// SPDX-License-Identifier: MIT
import type { CoreServices, CpuPages, DmaBuf, DmaDirection, Process } from "@dmabuf/core";
import { takeRun } from "./carve-out-memory.ts";
import { PagelessBuffer } from "./pageless-buffer.ts";
import { clearWriteCombining } from "./write-combining.ts";

/**
 * A heap of a carve-out: one contiguous run, cleared past the caches. Throws `KernelError` ENOMEM when no run is long
 * enough. No kernel that is modelled has one. @param name of the pool on the board
 */
export function* carveOutHeapAllocate(services: CoreServices, name: string, size: number): Process<DmaBuf> {
  const { memory, cpu, dmaBuf } = services;
  const run = takeRun(memory, name, size);
  clearWriteCombining(services, run.extents);
  yield* cpu.settle();
  return dmaBuf.export({ exporterName: name, ops: new CarveOutBuffer(services, run), size });
}

/** User space and the kernel see it past the caches, the only way in which the CPU has it at all. */
class CarveOutBuffer extends PagelessBuffer {
  mmap(): CpuPages {
    return { extents: this.run.extents, memoryType: "write-combining" };
  }

  *vmap(): Process<CpuPages> {
    yield* this.services.cpu.settle();
    return this.mmap();
  }

  /** Drains what the CPU wrote: there is no line to clean, but the writes may still be on their way. */
  *endCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    const { cpu } = this.services;
    if (direction !== "from-device") cpu.drain();
    yield* cpu.settle();
  }
}
