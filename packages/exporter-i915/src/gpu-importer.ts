// SPDX-License-Identifier: MIT
import type { DmaBuf, DmaDevice, DmaDirection, ImportedBuffer, Importer, Process } from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { clflush } from "./clflush.ts";
import type { I915Driver } from "./i915-driver.ts";
import { I915Import, type PreparedJob } from "./i915-import.ts";

/** The GPU: each transfer is a job of one batch that uses one buffer. @see i915_gem_do_execbuffer */
export class GpuImporter implements Importer {
  readonly #driver: I915Driver;
  readonly #device: DmaDevice;

  /** For the GPU of `driver`. */
  constructor(driver: I915Driver, device: DmaDevice) {
    this.#driver = driver;
    this.#device = device;
  }

  /** Brings a buffer to the GPU, the driver's own without an attachment. Throws what importing and mapping answer (N-13). */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#driver.services.simulation.process("i915 import", this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const object = yield* this.#driver.imports.bring(buffer, this.#device);
    return new GpuImport({ buffer, object, device: this.#device, direction });
  }
}

class GpuImport extends I915Import {
  /**
   * Binds, and flushes what the GPU would not see (N-5); whatever went through write-combining buffers is drained, always.
   * @see eb_move_to_gpu
   */
  protected *prepare(): Process<PreparedJob> {
    const { object } = this;
    const { ppgtt, services } = object.driver;
    const { route } = yield* ppgtt.bind(object);
    if (object.cacheDirty && !object.coherency.write && (yield* clflush(object, {}))) {
      yield* object.resv.wait("kernel");
    }
    services.cpu.drain();
    return { route };
  }

  /** The GPU's caches may have it from now on (N-4). @see _i915_vma_move_to_active */
  protected begun(kind: AccessKind): void {
    const { object } = this;
    if (kind === "write") object.readDomains.clear();
    object.readDomains.add("render");
    object.writeDomain = kind === "write" ? "render" : null;
  }

  protected ended(): void {}
}
