// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import { dmaBufVmap, memoryTypeFields } from "./buffer-trace.ts";
import type { DmaBuf } from "./dma-buf.ts";
import { KernelMapping } from "./kernel-mapping.ts";

/** The one mapping of a buffer in the kernel, and how many use it (B-55 to B-58). */
export class Vmap {
  readonly #buffer: DmaBuf;
  #mapping: KernelMapping | null = null;
  #users = 0;

  constructor(buffer: DmaBuf) {
    this.#buffer = buffer;
  }

  /** The mapping that there is, or null. */
  get mapping(): KernelMapping | null {
    return this.#mapping;
  }

  *map(): Process<KernelMapping> {
    const { core, ops, resv, ino, size, exporterName } = this.#buffer;
    const { diagnostics, trace } = core.simulation;
    resv.assertHeld("B-55", "dma_buf_vmap");
    if (ops.vmap === undefined) {
      throw new KernelError(
        "EINVAL",
        "dma_buf_vmap",
        `${exporterName} buffers cannot be mapped in the kernel`,
      );
    }
    if (this.#mapping === null) {
      try {
        const pages = yield* ops.vmap(this.#buffer);
        if (pages.memoryType === "write-back") core.cpu.flushBeforeVmap(pages.extents);
        this.#mapping = new KernelMapping(this.#buffer, pages, core.nextMapping(size));
        trace.emit(dmaBufVmap, ino, this.#mapping.address, ...memoryTypeFields(pages));
      } catch (error) {
        if (error instanceof KernelError) diagnostics.warn("B-55", "dma_buf_vmap", error.message);
        throw error;
      }
    }
    this.#users++;
    return this.#mapping;
  }

  unmap(mapping: KernelMapping): void {
    const { core, ops, resv } = this.#buffer;
    resv.assertHeld("B-56", "dma_buf_vunmap");
    if (this.#mapping !== mapping)
      core.simulation.diagnostics.bug("B-56", "dma_buf_vunmap", "it is not mapped there");
    if (--this.#users > 0) return;
    ops.vunmap?.(this.#buffer);
    this.#mapping = null;
    mapping.end();
  }

  *mapUnlocked(): Process<KernelMapping> {
    const { resv } = this.#buffer;
    yield* resv.lock();
    try {
      return yield* this.map();
    } finally {
      resv.unlock();
    }
  }

  *unmapUnlocked(mapping: KernelMapping): Process {
    const { resv } = this.#buffer;
    yield* resv.lock();
    try {
      this.unmap(mapping);
    } finally {
      resv.unlock();
    }
  }
}
