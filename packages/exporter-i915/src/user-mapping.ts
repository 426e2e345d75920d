// SPDX-License-Identifier: MIT
import { type CpuPages, type Extents, KernelError, type MemoryType } from "@dmabuf/core";
import type { Route } from "@dmabuf/core/coherency";
import type { I915Object } from "./i915-object.ts";
import { objectFault } from "./i915-trace.ts";

/**
 * How the CPU maps an object: `wb` through its caches, `wc` past them by way of its write-combining buffers, `gtt` through
 * the aperture, so that accesses go the GPU's way. @see I915_MMAP_OFFSET_WB
 */
export type MmapType = "wb" | "wc" | "gtt";

/** How an object can be mapped, the way that mapping its dma-buf takes first (N-12, N-14). */
export function mmapTypesOf({ backing, driver }: I915Object): readonly MmapType[] {
  const { aperture, machine } = driver;
  const gtt: MmapType[] = aperture > 0 && !machine.discrete ? ["gtt"] : [];
  if (backing.region === "system") return ["wb", "wc", ...gtt];
  return backing.region === "local" ? ["wc"] : backing.region === "stolen" ? gtt : [];
}

/**
 * The pages behind a user mapping of the first `length` bytes. Throws `KernelError` EINVAL for more than the object has,
 * ENODEV for a way in which this memory cannot be mapped (N-12). @see i915_gem_mmap_offset_ioctl
 */
export function userMapping(object: I915Object, type: MmapType, length = object.size): CpuPages {
  const refuse = (errno: "EINVAL" | "ENODEV", reason: string): never => {
    throw new KernelError(errno, "i915_gem_mmap", `object ${object.id}: ${reason}`);
  };
  if (length > object.size) refuse("EINVAL", `${length} bytes of ${object.size}`);
  if (!mmapTypesOf(object).includes(type))
    refuse("ENODEV", `${object.backing.region} memory has no ${type} mapping`);
  if (type === "gtt") return new ApertureWindow(object);
  return new FaultedPages(object, type === "wb" ? "write-back" : "write-combining");
}

/** Pages that come back by page fault when they are touched, wherever they are by then. @see vm_fault_cpu */
class FaultedPages implements CpuPages {
  readonly memoryType: MemoryType;
  readonly #object: I915Object;

  constructor(object: I915Object, memoryType: MemoryType) {
    this.#object = object;
    this.memoryType = memoryType;
  }

  /** A write-combining fault acquires the pages, so that no dirty line is left under what is written past the caches. */
  get extents(): Extents {
    const { pages, backing } = this.#object;
    if (this.memoryType === "write-combining" && pages.extents === null) {
      pages.pinNow();
      pages.unpin();
    }
    return backing.extents;
  }
}

/** The aperture: what is touched is bound where it reaches, and accessed as the page-table entries there say. */
class ApertureWindow implements CpuPages {
  readonly memoryType = "write-combining";
  readonly #object: I915Object;

  constructor(object: I915Object) {
    this.#object = object;
  }

  /** Throws `KernelError` ENOSPC when the aperture is full of what is in use: SIGBUS for the program. @see vm_fault_gtt */
  get extents(): Extents {
    const object = this.#object;
    const { ggtt, services } = object.driver;
    const found = ggtt.find(object);
    if (found === undefined || !ggtt.isMappable(found)) {
      services.simulation.trace.emit(objectFault, object.id, 0, 1, 0);
      ggtt.bindNow(object, { mappable: true });
    }
    return object.backing.extents;
  }

  get route(): Route {
    const { ggtt, machine } = this.#object.driver;
    return ggtt.find(this.#object)?.route ?? machine.route(this.#object.level);
  }
}
