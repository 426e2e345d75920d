// SPDX-License-Identifier: MIT
import type { Attachment, CpuPages, DmaBuf, DmaBufOps, DmaDirection, Process, SgMapping } from "@dmabuf/core";
import { lockAll } from "@dmabuf/core/sync";
import type { I915Object } from "./i915-object.ts";
import { flushMap } from "./i915-trace.ts";
import { migrateToSystem } from "./migration.ts";
import { type MmapType, mmapTypesOf, userMapping } from "./user-mapping.ts";
import { setToCpuDomain, setToGttDomain } from "./write-domain.ts";

/**
 * What i915 does for the objects that it has exported: importers get them pinned and mapped without maintenance, and CPU
 * brackets move them between domains, which serves i915's own devices and nobody else's (N-10 to N-12).
 * @see i915_gem_dmabuf.c
 */
export class I915DmaBuf implements DmaBufOps {
  readonly object: I915Object;
  readonly mmapTypes: readonly MmapType[];

  /** Takes over a reference to the object. */
  constructor(object: I915Object) {
    this.object = object;
    this.mmapTypes = mmapTypesOf(object);
  }

  /** Local memory moves to system memory first; then it stays (N-10). Throws what `migrateToSystem` answers. */
  *attach(buffer: DmaBuf): Process {
    const { object } = this;
    using _ = yield* lockAll([object.resv], { interruptible: true });
    if (object.backing.region === "local") yield* migrateToSystem(object, buffer);
    yield* object.pages.pin();
  }

  detach(): void {
    this.object.pages.unpin();
  }

  *map({ device }: Attachment, direction: DmaDirection): Process<SgMapping> {
    const { backing, driver } = this.object;
    const { dma } = driver.services;
    return dma.mapSgtable(device, backing.extents, direction, { skipCpuSync: true });
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    this.object.driver.services.dma.unmapSgtable(mapping, { skipCpuSync: true });
  }

  *beginCpuAccess(_buffer: DmaBuf, direction: DmaDirection): Process {
    const { object } = this;
    using _ = yield* lockAll([object.resv], { interruptible: true });
    yield* object.pages.pin();
    try {
      yield* setToCpuDomain(object, direction !== "from-device");
    } finally {
      object.pages.unpin();
    }
  }

  /** Takes the CPU's write domain away, which flushes only what the GPU would not see (N-11). */
  *endCpuAccess(): Process {
    const { object } = this;
    using _ = yield* lockAll([object.resv], { interruptible: true });
    yield* object.pages.pin();
    try {
      yield* setToGttDomain(object, false);
    } finally {
      object.pages.unpin();
    }
  }

  mmap(_buffer: DmaBuf, type: string = this.mmapTypes[0] as string): CpuPages {
    return userMapping(this.object, type as MmapType);
  }

  *vmap(): Process<CpuPages> {
    const extents = yield* this.object.pages.pin();
    const local = this.object.backing.region === "local";
    return { extents, memoryType: local ? "write-combining" : "write-back" };
  }

  /** Flushes what was written there, unless the GPU sees it, and lets the pages go (N-12). @see __i915_gem_object_flush_map */
  vunmap(): void {
    const { object } = this;
    const { cpu, simulation } = object.driver.services;
    const { extents } = object.pages;
    cpu.drain();
    if (extents !== null && object.backing.structPages && !object.coherency.write) {
      cpu.flushRange(extents, simulation.trace.emit(flushMap, object.id));
      object.cacheDirty = false;
    }
    object.pages.unpin();
  }

  release(): void {
    this.object.exported = null;
    this.object.putLater();
  }
}
