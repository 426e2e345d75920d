// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { DmaBufOps } from "../buffer/dma-buf-ops.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaApi } from "../dma/dma-api.ts";
import type { SgMapping } from "../dma/mapping.ts";
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";

/** A map or unmap call that an exporter got. */
export interface NotedMapping {
  readonly direction: DmaDirection;
  /** Whether the caller held the reservation (1.15). */
  readonly locked: boolean;
}

/** An exporter's operations that map fixed ranges, note every call, and refuse with ENOMEM when told to. */
export class NotingExporter implements DmaBufOps {
  readonly maps: NotedMapping[] = [];
  readonly unmaps: NotedMapping[] = [];
  /** How often the buffer's release was called. */
  released = 0;
  /** The operation that refuses from now on. */
  refuses: "attach" | "map" | null = null;
  readonly #dma: DmaApi;
  readonly #extents: Extents;

  constructor(dma: DmaApi, extents: Extents) {
    this.#dma = dma;
    this.#extents = extents;
  }

  /** Mappings that were not given back. */
  get mapped(): number {
    return this.maps.length - this.unmaps.length;
  }

  *attach(): Process {
    yield 0;
    this.#refuse("attach");
  }

  *map({ buffer, device }: Attachment, direction: DmaDirection): Process<SgMapping> {
    const locked = buffer.resv.isHeld;
    yield 0;
    this.#refuse("map");
    this.maps.push({ direction, locked });
    return this.#dma.mapSgtable(device, this.#extents, direction, { skipCpuSync: true });
  }

  *unmap({ buffer }: Attachment, mapping: SgMapping): Process {
    this.unmaps.push({ direction: mapping.direction, locked: buffer.resv.isHeld });
    yield 0;
    this.#dma.unmapSgtable(mapping, { skipCpuSync: true });
  }

  release(_buffer: DmaBuf): void {
    this.released++;
  }

  #refuse(operation: "attach" | "map"): void {
    if (this.refuses === operation) throw new KernelError("ENOMEM", operation, "the test says so");
  }
}
