// SPDX-License-Identifier: MIT
import { type CoreServices, type DmaBuf, type DmaDevice, KernelError, type Process } from "@dmabuf/core";
import { contiguousSize, exportGem, type GemDriver, ImportedGem, importGem } from "@dmabuf/core/drm";
import type { DumbGem } from "./dumb-gem.ts";

/** The objects of a card: its own, and other devices' memory. */
export type CardGem = DumbGem | ImportedGem;

/** How a card's objects become dma-bufs, and the other way round: PRIME's own helpers. */
export class CardDriver implements GemDriver<CardGem> {
  readonly #services: CoreServices;
  readonly #device: DmaDevice;
  readonly #contiguous: boolean;

  /** @param contiguous whether an import must be one range for the device */
  constructor(services: CoreServices, device: DmaDevice, contiguous: boolean) {
    this.#services = services;
    this.#device = device;
    this.#contiguous = contiguous;
  }

  get name(): string {
    return this.#device.name;
  }

  exportObject(object: CardGem): DmaBuf {
    return exportGem(this.#services, this, object);
  }

  /** @see drm_gem_dma_prime_import_sg_table, drm_gem_shmem_prime_import_sg_table */
  importBuffer(buffer: DmaBuf): Process<CardGem> {
    return importGem<CardGem>(this, this.#device, buffer, (mapped) => {
      const contiguous = contiguousSize(mapped.mapping);
      if (this.#contiguous && contiguous < buffer.size) throw this.#scattered(contiguous, buffer.size);
      return new ImportedGem(mapped);
    });
  }

  #scattered(contiguous: number, size: number): KernelError {
    const reason =
      `${this.name} takes contiguous memory only, and after ${contiguous} of ${size} bytes the buffer goes on elsewhere: ` +
      "allocate it from a CMA pool (the cma heap), or put the device behind an IOMMU";
    return new KernelError("EINVAL", "drm_gem_dma_prime_import_sg_table", reason);
  }
}
