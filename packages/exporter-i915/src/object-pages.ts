// SPDX-License-Identifier: MIT
import { type Extents, KernelError, type Process, type SgMapping } from "@dmabuf/core";
import type { I915Object } from "./i915-object.ts";
import { flushMap, getPagesDmabuf, setPages } from "./i915-trace.ts";
import { ImportedBacking } from "./imported-backing.ts";

/** The pages of an object while the driver holds them, and who relies on that. @see struct drm_i915_gem_object, mm */
export class ObjectPages {
  readonly #object: I915Object;
  #extents: Extents | null = null;
  #mapping: SgMapping | null = null;
  #pins = 0;

  /** For `I915Object`: none are held. */
  constructor(object: I915Object) {
    this.#object = object;
  }

  /** The pages, or null while the driver does not hold them. */
  get extents(): Extents | null {
    return this.#extents;
  }

  /** The addresses that the GPU has for them behind an IOMMU; null without one, where they are those of the memory. */
  get mapping(): SgMapping | null {
    const { backing } = this.#object;
    return backing instanceof ImportedBacking ? backing.mapping : this.#mapping;
  }

  /** Who needs them to stay: address spaces, importers, the kernel's mappings, flushes that are under way. */
  get pins(): number {
    return this.#pins;
  }

  /**
   * Acquires the pages and pins them; the reservation must be held. What is dirty in the CPU's caches, such as the zeroes
   * of fresh pages or what came out of swap, is flushed first (N-2, N-9). Throws `KernelError` ENOMEM, or what an importer's
   * map answers. @see i915_gem_object_pin_pages
   */
  *pin(): Process<Extents> {
    const { backing, driver } = this.#object;
    if (this.#extents === null && backing instanceof ImportedBacking) {
      yield* backing.map();
      this.#flushEverything(backing);
    }
    const extents = this.pinNow();
    yield* driver.services.cpu.settle();
    return extents;
  }

  /** As `pin`, where nobody may sleep: not for an imported buffer that is not mapped. */
  pinNow(): Extents {
    this.#extents ??= this.#acquire();
    this.#pins++;
    return this.#extents;
  }

  /** Takes a pin back; the pages stay until somebody wants them. @see i915_gem_object_unpin_pages */
  unpin(): void {
    if (this.#pins === 0) throw new TypeError(`object ${this.#object.id}: its pages are not pinned`);
    this.#pins--;
  }

  /**
   * Lets the pages go, and puts them into the CPU's hands. Throws `KernelError` EBUSY while they are pinned.
   * @see __i915_gem_object_put_pages
   */
  put(): void {
    const object = this.#object;
    if (this.#pins > 0) {
      throw new KernelError(
        "EBUSY",
        "i915_gem_object_put_pages",
        `object ${object.id} is pinned ${this.#pins} times`,
      );
    }
    if (this.#extents === null) return;
    const { cpu, simulation } = object.driver.services;
    if (object.backing.structPages && !object.readDomains.has("cpu") && !object.coherency.read) {
      cpu.flushRange(this.#extents, simulation.trace.emit(flushMap, object.id));
    }
    object.startCpuWrite();
    this.unmap();
    this.#extents = null;
  }

  /** The GPU has no addresses for them any more. @see i915_gem_gtt_finish_pages */
  unmap(): void {
    if (this.#mapping === null) return;
    this.#object.driver.services.dma.unmapSgtable(this.#mapping, { skipCpuSync: true });
    this.#mapping = null;
  }

  #acquire(): Extents {
    const object = this.#object;
    const { backing, driver } = object;
    const { extents } = backing;
    if (!backing.structPages) return extents;
    if (driver.machine.bypassesLlc) object.cacheDirty = true;
    if (object.cacheDirty) {
      const { cpu, simulation } = driver.services;
      cpu.flushRange(extents, simulation.trace.emit(setPages, object.id, object.size));
      object.writeDomain = null;
      object.cacheDirty = false;
    }
    this.#map(extents);
    return extents;
  }

  /** Without an IOMMU this would change nothing, so it is left out. @see i915_gem_gtt_prepare_pages */
  #map(extents: Extents): void {
    const { gpu, services } = this.#object.driver;
    if ((gpu.iommu ?? null) === null) return;
    this.#mapping = services.dma.mapSgtable(gpu, extents, "bidirectional", { skipCpuSync: true });
  }

  /** The GPU may not see what the CPUs have of a buffer of somebody else's, and nobody says whether they have any (N-13). */
  #flushEverything({ attachment }: ImportedBacking): void {
    const { machine, services } = this.#object.driver;
    if (machine.snoopsAlways && !machine.bypassesLlc) return;
    const { trace } = services.simulation;
    const device = trace.intern(attachment.device.name);
    services.cpu.flushAll(trace.emit(getPagesDmabuf, device, this.#object.id, this.#object.size));
  }
}
