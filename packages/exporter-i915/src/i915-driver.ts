// SPDX-License-Identifier: MIT
import {
  type AllocateOptions,
  alignUp,
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type Exporter,
  KernelError,
  PAGE_SIZE,
  type Process,
  parseSize,
} from "@dmabuf/core";
import type { GemDriver } from "@dmabuf/core/drm";
import { Workqueue } from "@dmabuf/core/sim";
import { AddressSpace } from "./address-space.ts";
import type { CacheLevel } from "./cache-level.ts";
import { type Caching, setCaching, setDomain } from "./caching.ts";
import { flushIfDisplay } from "./display-pin.ts";
import type { GemDomain } from "./gem-domain.ts";
import { I915DmaBuf } from "./i915-dma-buf.ts";
import { I915Object } from "./i915-object.ts";
import type { I915Options } from "./i915-options.ts";
import { ImportTable } from "./import-table.ts";
import { Machine } from "./machine.ts";
import { MemoryRegions, type OwnRegion } from "./memory-regions.ts";
import { swapOut } from "./swap.ts";

/** How an object is to be. */
export interface ObjectOptions {
  /** Default the machine's. */
  readonly level?: CacheLevel;
  /** Where it begins; default `local` on a card with memory of its own, else `system`. */
  readonly region?: OwnRegion;
  /** Where else it may be moved; default `system`. */
  readonly placements?: readonly OwnRegion[];
  /** Whether user space chose the page attributes itself, which the driver then cannot change; default no. */
  readonly patSetByUser?: boolean;
}

/** The i915 driver of one GPU: its objects, its address spaces, and the exporter of its buffers. @see struct drm_i915_private */
export class I915Driver implements Exporter, GemDriver<I915Object> {
  readonly name = "i915";
  readonly services: CoreServices;
  readonly machine: Machine;
  /** Whose the transfers of the GPU are. */
  readonly gpu: DmaDevice;
  /** Bytes of the GGTT that the CPU sees. */
  readonly aperture: number;
  /** The address space that the display scans from, and the aperture shows. */
  readonly ggtt: AddressSpace;
  /** The address space of the one process that is modelled. */
  readonly ppgtt: AddressSpace;
  /** Where flushes and late frees are done. */
  readonly worker: Workqueue;
  readonly cacheLevels: readonly CacheLevel[];
  readonly mmapTypes: readonly string[];
  /** The buffers that programs have brought to its devices. */
  readonly imports = new ImportTable(this);
  readonly #regions: MemoryRegions;
  #objects = 0;

  /** From checked options. Throws `TypeError` for a device or carve-out that the board does not have. */
  constructor(services: CoreServices, options: I915Options) {
    const { gpu = "gpu", ppgtt = "256TiB", ggtt = "4GiB", aperture = "256MiB" } = options;
    const { simulation } = services;
    this.services = services;
    this.machine = new Machine(services, options);
    this.gpu = services.device(gpu);
    this.aperture = parseSize(aperture, "i915: aperture");
    this.ggtt = new AddressSpace(simulation, "ggtt", parseSize(ggtt, "i915: ggtt"), this.aperture);
    this.ppgtt = new AddressSpace(simulation, "ppgtt", parseSize(ppgtt, "i915: ppgtt"));
    this.worker = new Workqueue(simulation, "i915");
    this.cacheLevels = this.machine.levels;
    this.#regions = new MemoryRegions(services, options);
    const system = this.aperture > 0 && !this.machine.discrete ? ["wb", "wc", "gtt"] : ["wb", "wc"];
    this.mmapTypes = this.#regions.hasLocal ? ["wc"] : system;
  }

  /** The number of the next object. */
  nextObject(): number {
    return ++this.#objects;
  }

  /**
   * A buffer of whole pages, there from the start. Throws `KernelError` EINVAL for 0 bytes and for a level that the
   * machine does not have, ENOMEM without pages.
   */
  allocate(size: number, { cache }: AllocateOptions = {}): Process<DmaBuf> {
    return this.services.simulation.process("i915_gem_create_ext", this.#allocate(size, cache));
  }

  *#allocate(size: number, cache: string | undefined): Process<DmaBuf> {
    const object = this.createObject(size, cache === undefined ? {} : { level: cache as CacheLevel });
    try {
      void object.backing.extents;
      yield* this.services.cpu.settle();
      return this.exportObject(object);
    } finally {
      yield* object.put();
    }
  }

  /**
   * Makes an object with one reference, the caller's; its pages come to be at the first use. Throws `KernelError` EINVAL
   * for 0 bytes or a level that the machine does not have, ENODEV for a region that it does not have, ENOMEM.
   * @see DRM_IOCTL_I915_GEM_CREATE_EXT
   */
  createObject(bytes: number, options: ObjectOptions = {}): I915Object {
    const { level = this.machine.defaultLevel, region = this.#regions.first } = options;
    const { placements = [region, "system"], patSetByUser = false } = options;
    const refuse = (reason: string): never => {
      throw new KernelError("EINVAL", "i915_gem_create_ext", reason);
    };
    if (!(bytes > 0)) refuse(`an object of ${bytes} bytes`);
    if (!this.machine.levels.includes(level)) {
      refuse(`"${level}" is none of the machine's cache levels: ${this.machine.levels.join(", ")}`);
    }
    const size = alignUp(bytes, PAGE_SIZE);
    const backing = this.#regions.allocate(region, size);
    return new I915Object(this, this.nextObject(), { size, backing, level, placements, patSetByUser });
  }

  /**
   * The dma-buf of an object, with a reference for the caller: a new one when none lives. Throws `KernelError` ENODEV for
   * stolen memory, of which nobody can list the pages (N-14). @see i915_gem_prime_export
   */
  exportObject(object: I915Object): DmaBuf {
    if (object.exported !== null) return object.exported.get();
    if (object.backing.region === "stolen") {
      throw new KernelError("ENODEV", "i915_gem_prime_export", `object ${object.id} is in stolen memory`);
    }
    const { size, resv } = object;
    const ops = new I915DmaBuf(object);
    object.exported = this.services.dmaBuf.export({ exporterName: this.name, ops, size, resv });
    object.get();
    return object.exported;
  }

  /** The object behind a buffer, with a reference, for PRIME; see `ImportTable.import`. @see i915_gem_prime_import */
  importBuffer(buffer: DmaBuf): Process<I915Object> {
    const { simulation } = this.services;
    return simulation.process("i915_gem_prime_import", this.imports.import(buffer, this.gpu));
  }

  /** See `setCaching`. */
  setCaching(object: I915Object, caching: Caching): Process {
    return this.services.simulation.process("i915_gem_set_caching_ioctl", setCaching(object, caching));
  }

  /** See `setDomain`. */
  setDomain(object: I915Object, read: readonly GemDomain[], write: GemDomain | null = null): Process {
    return this.services.simulation.process("i915_gem_set_domain_ioctl", setDomain(object, read, write));
  }

  /** User space has drawn into a framebuffer that is scanned; see `flushIfDisplay`. @see DRM_IOCTL_MODE_DIRTYFB */
  dirtyFb(object: I915Object): Process {
    return this.services.simulation.process("intel_user_framebuffer_dirty", flushIfDisplay(object));
  }

  /** The CPU is through with drawing; see `flushIfDisplay`. @see i915_gem_sw_finish_ioctl */
  swFinish(object: I915Object): Process {
    return this.services.simulation.process("i915_gem_sw_finish_ioctl", flushIfDisplay(object));
  }

  /** See `swapOut`. */
  swapOut(object: I915Object): Process {
    return this.services.simulation.process("i915_gem_shrink", swapOut(object));
  }
}
