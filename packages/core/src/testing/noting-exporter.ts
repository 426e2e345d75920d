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

/** Where the one segment of a joined mapping begins. */
const IOVA = 0xffe0_0000;

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
  readonly #joined: boolean;
  /** The DMA API's mappings behind those that were handed out as one segment. */
  readonly #inner = new Map<SgMapping, SgMapping>();

  /** @param joined hands out mappings of one segment, as an IOMMU would make them (I-8); default one an entry. */
  constructor(dma: DmaApi, extents: Extents, joined = false) {
    this.#dma = dma;
    this.#extents = extents;
    this.#joined = joined;
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
    const mapping = this.#dma.mapSgtable(device, this.#extents, direction, { skipCpuSync: true });
    if (!this.#joined) return mapping;
    const one = { dmaAddresses: Float64Array.of(IOVA), dmaLengths: Float64Array.of(this.#extents.bytes) };
    const handed = { ...mapping, ...one, nents: 1 };
    this.#inner.set(handed, mapping);
    return handed;
  }

  *unmap({ buffer }: Attachment, mapping: SgMapping): Process {
    this.unmaps.push({ direction: mapping.direction, locked: buffer.resv.isHeld });
    yield 0;
    this.#dma.unmapSgtable(this.#inner.get(mapping) ?? mapping, { skipCpuSync: true });
    this.#inner.delete(mapping);
  }

  release(_buffer: DmaBuf): void {
    this.released++;
  }

  #refuse(operation: "attach" | "map"): void {
    if (this.refuses === operation) throw new KernelError("ENOMEM", operation, "the test says so");
  }
}
