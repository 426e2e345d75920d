// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { DmaBufCore } from "../buffer/dma-buf-core.ts";
import type { CpuPages, DmaBufOps } from "../buffer/dma-buf-ops.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaApi } from "../dma/dma-api.ts";
import type { SgMapping } from "../dma/mapping.ts";
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import type { GemDriver, GemObject } from "./gem-object.ts";

/** What PRIME's own dma-buf asks of an object. @see struct drm_gem_object_funcs */
export interface ExportableGem extends GemObject {
  /** Keeps the memory where it is while a device is attached; left out where it never moves. */
  pin?(): Process;
  unpin?(): void;
  /** Its memory, one range an entry; left out by a driver whose memory no other device can reach: ENOSYS. */
  sgTable?(): Extents;
  /** Its memory as the CPU sees it; left out where it cannot be mapped. */
  cpuPages?(): CpuPages;
  /** As `put`, for memory that goes without sleeping; left out, the dma-buf's reference goes in a task of its own. */
  putNow?(): void;
}

/**
 * The dma-buf that drivers export without operations of their own. It pins while somebody is attached, maps without
 * maintenance, lets core keep the mapping, and has nothing for a CPU bracket to do: caches are the driver's business
 * (G-5). @see drm_gem_prime_dmabuf_ops
 */
class PrimeBuffer implements DmaBufOps {
  readonly cacheSgtMapping = true;
  readonly driver: GemDriver;
  readonly object: ExportableGem;
  readonly mmap?: () => CpuPages;
  readonly vmap?: () => Process<CpuPages>;
  readonly #dma: DmaApi;

  constructor(dma: DmaApi, driver: GemDriver, object: ExportableGem) {
    this.#dma = dma;
    this.driver = driver;
    this.object = object;
    if (object.cpuPages === undefined) return;
    const pages = (): CpuPages => (object as Required<ExportableGem>).cpuPages();
    this.mmap = pages;
    this.vmap = function* () {
      return pages();
    };
  }

  *attach(): Process {
    if (this.object.sgTable === undefined) throw this.#unreachable("drm_gem_map_attach");
    if (this.object.pin !== undefined) yield* this.object.pin();
  }

  detach(): void {
    this.object.unpin?.();
  }

  *map({ device }: Attachment, direction: DmaDirection): Process<SgMapping> {
    const extents = this.object.sgTable?.();
    if (extents === undefined) throw this.#unreachable("drm_gem_map_dma_buf");
    return this.#dma.mapSgtable(device, extents, direction, { skipCpuSync: true });
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    this.#dma.unmapSgtable(mapping, { skipCpuSync: true });
  }

  release({ core }: DmaBuf): void {
    // In Linux, too, the last reference to a file goes later, where it may sleep.
    if (this.object.putNow !== undefined) this.object.putNow();
    else core.simulation.spawn("drm_gem_dmabuf_release", this.object.put());
  }

  #unreachable(operation: string): KernelError {
    return new KernelError(
      "ENOSYS",
      operation,
      `${this.driver.name} cannot show its memory to other devices`,
    );
  }
}

/** What `exportGem` needs of core, as every plugin's factory has it. */
export interface ExportServices {
  readonly dma: DmaApi;
  readonly dmaBuf: DmaBufCore;
}

/** What a driver's `exportObject` usually does: a dma-buf with PRIME's own operations (G-5). @see drm_gem_prime_export */
export function exportGem<O extends ExportableGem>(
  { dma, dmaBuf }: ExportServices,
  driver: GemDriver<O>,
  object: O,
): DmaBuf {
  const ops = new PrimeBuffer(dma, driver as GemDriver, object);
  const buffer = dmaBuf.export({ exporterName: driver.name, ops, size: object.size });
  object.get();
  return buffer;
}

/** The driver's object that `exportGem` made this buffer of, without a reference, or null. */
export function exportedGem<O extends GemObject>(driver: GemDriver<O>, { ops }: DmaBuf): O | null {
  // A buffer of this very driver was made of one of its objects.
  return ops instanceof PrimeBuffer && ops.driver === (driver as GemDriver)
    ? (ops.object as unknown as O)
    : null;
}
