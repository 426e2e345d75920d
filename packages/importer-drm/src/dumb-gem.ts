// SPDX-License-Identifier: MIT
import type { CoreServices, CpuPages, DmaDevice, Extents, Process } from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { CountedGem, type ExportableGem } from "@dmabuf/core/drm";
import { type BackingMemory, backingMemory } from "./backing-memory.ts";

/**
 * A card's own memory: a dumb buffer, scattered pages or one piece. It is cleared and cleaned before the card sees it; the
 * CPU then writes past its cache, unless the card is coherent with it. @see drm_gem_shmem_create, drm_gem_dma_create
 */
export class DumbGem extends CountedGem implements ExportableGem {
  readonly imported = null;
  readonly #services: CoreServices;
  readonly #device: DmaDevice;
  readonly #memory: BackingMemory;

  private constructor(services: CoreServices, device: DmaDevice, memory: BackingMemory) {
    super(services.simulation, memory.extents.bytes);
    this.#services = services;
    this.#device = device;
    this.#memory = memory;
  }

  /** Throws `KernelError` ENOMEM, EIO when the device cannot reach it. @param size bytes, whole pages */
  static create(
    services: CoreServices,
    device: DmaDevice,
    size: number,
    contiguous: boolean,
  ): Process<DumbGem> {
    const process = DumbGem.#create(services, device, size, contiguous);
    return services.simulation.process("drm_gem_create", process);
  }

  static *#create(
    services: CoreServices,
    device: DmaDevice,
    size: number,
    contiguous: boolean,
  ): Process<DumbGem> {
    const { cpu, dma } = services;
    const memory = backingMemory(services.memory, device, size, contiguous);
    cpu.access("clear", memory.extents);
    try {
      // Mapped for the maintenance alone: nobody but the card's own accesses would use the mapping.
      dma.unmapSgtable(dma.mapSgtable(device, memory.extents, "bidirectional"), { skipCpuSync: true });
      yield* cpu.settle();
      return new DumbGem(services, device, memory);
    } catch (error) {
      memory.free();
      throw error;
    }
  }

  /** Lets the card read or write a part of it, and has it call `complete` in atomic context. */
  start(kind: AccessKind, offset: number, length: number, complete: () => void): void {
    const device = this.#device;
    const extents = this.#memory.extents.slice(offset, length);
    const buffer = this.dmaBuf;
    if (buffer === null) throw new TypeError("a dumb buffer that is no dma-buf takes part in no transfer");
    const transfer = { buffer, device, attachment: null, mapping: null, kind, extents, route: device.route };
    this.#services.dmaBuf.transfers.start(transfer, complete);
  }

  sgTable(): Extents {
    return this.#memory.extents;
  }

  cpuPages(): CpuPages {
    const memoryType = this.#device.coherent ? "write-back" : "write-combining";
    return { extents: this.#memory.extents, memoryType };
  }

  putNow(): void {
    if (this.drop()) this.#memory.free();
  }

  protected *free(): Process {
    this.#memory.free();
  }
}
