// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import type { PhysicalMemory } from "../../memory/physical-memory.ts";
import { segmentLimitsOf } from "../dma-constraints.ts";
import type { DmaDevice } from "../dma-device.ts";
import { finaliseSg } from "../scatterlist/finalise-sg.ts";
import { sgFromExtents } from "../scatterlist/from-extents.ts";
import { type IovaPiece, iovaLayout, iovaPieces } from "../scatterlist/iova-layout.ts";
import { maxMappingSize } from "../swiotlb/slot.ts";
import type { Swiotlb } from "../swiotlb/swiotlb.ts";
import type { BouncingHands } from "./bounced-placement.ts";
import { BouncingIommu } from "./bouncing-iommu.ts";
import type { DmaBackend, EntryBounce, MapRequest, Placement } from "./dma-backend.ts";
import { IommuPlacement } from "./iommu-placement.ts";
import { limitOf, mapTranslated, protOf, translationOf } from "./map-translated.ts";

/**
 * DMA through an IOMMU (I-1 to I-13): a bus address is one of the device's own domain, memory may lie anywhere, and a list
 * is one range of addresses whose entries are joined as far as the device's limits allow. Parts of granules bounce where the
 * device is untrusted (I-7).
 * @see drivers/iommu/dma-iommu.c
 */
export class IommuDma implements DmaBackend {
  readonly #hands: BouncingHands;
  readonly #bouncing: BouncingIommu;

  constructor(hands: BouncingHands, swiotlb: Swiotlb, memory: PhysicalMemory) {
    this.#hands = hands;
    this.#bouncing = new BouncingIommu(hands, swiotlb, memory);
  }

  /** Throws `KernelError` EIO for a page, ENOMEM for a list, when there are no addresses; EINVAL where the table refuses (I-9). */
  place(request: MapRequest): Placement {
    const { device, attributes, operation } = request;
    if (attributes.requireCoherent === true && !device.coherent) {
      throw new KernelError("EIO", operation, `${device.name} is not coherent, and the mapping must be`);
    }
    if (this.#bouncing.takes(request)) return this.#bouncing.place(request);
    return request.list ? this.#list(request) : this.#page(request);
  }

  placeResource(request: MapRequest): Placement {
    return this.#page({ ...request, attributes: { ...request.attributes, mmio: true } });
  }

  testMap(request: MapRequest): readonly EntryBounce[] {
    return this.#bouncing.testMap(request);
  }

  /** For an untrusted device what a bounce buffer can have, since any mapping may need one. @see iommu_dma_max_mapping_size */
  maxMappingSize({ untrusted, minAlignMask }: DmaDevice): number {
    return untrusted === true ? maxMappingSize(minAlignMask) : Number.POSITIVE_INFINITY;
  }

  optMappingSize(device: DmaDevice): number {
    return Math.min(this.maxMappingSize(device), translationOf(device).domain.iova.optimalSize);
  }

  mergeBoundary(device: DmaDevice): number {
    return translationOf(device).domain.iova.mergeBoundary;
  }

  #page(request: MapRequest): Placement {
    const { device, extents } = request;
    const size = extents.bytes;
    const address = mapTranslated(request, extents.addressAt(0), size);
    const { domain } = translationOf(device);
    const [addresses, lengths] = [Float64Array.of(address), Float64Array.of(size)];
    return this.#placement(request, addresses, lengths, () => domain.unmap(address, size));
  }

  #list(request: MapRequest): Placement {
    const { device, extents, operation } = request;
    const { domain } = translationOf(device);
    const list = sgFromExtents(extents);
    const limits = segmentLimitsOf(device);
    const layout = iovaLayout(list, { granule: domain.table.granule, ...limits });
    const iova = domain.iova.allocate(layout.bytes, limitOf(device));
    if (iova === null) {
      const reason = `${device.name}: no ${layout.bytes} bytes of I/O virtual addresses in one piece`;
      throw new KernelError("ENOMEM", operation, reason);
    }
    let mapped = 0;
    try {
      for (const { offset, address, length } of joined(iovaPieces(list, layout))) {
        domain.table.map((iova + offset) as DmaAddr, address as PhysAddr, length, protOf(request));
        mapped = offset + length;
      }
    } catch (error) {
      if (mapped > 0) {
        domain.table.unmap(iova, mapped);
        domain.table.flush(iova, mapped);
      }
      domain.release(iova, layout.bytes);
      if (!(error instanceof KernelError)) throw error;
      throw new KernelError("EINVAL", operation, `${device.name}: ${error.message}`);
    }
    domain.table.syncMap?.(iova, layout.bytes);
    const { addresses, lengths } = finaliseSg(list, layout, iova, limits);
    return this.#placement(request, addresses, Float64Array.from(lengths), () =>
      domain.unmap(iova, layout.bytes),
    );
  }

  #placement(
    request: MapRequest,
    dmaAddresses: Float64Array,
    dmaLengths: Float64Array,
    release: () => void,
  ): Placement {
    return new IommuPlacement(this.#hands, request, { dmaAddresses, dmaLengths, release });
  }
}

/** Pieces whose memory follows each other are mapped together. @see iommu_map_sg */
function* joined(pieces: Iterable<IovaPiece>): Generator<IovaPiece, void, undefined> {
  let run: IovaPiece | undefined;
  for (const piece of pieces) {
    if (run === undefined) run = piece;
    else if (run.address + run.length === piece.address)
      run = { offset: run.offset, address: run.address, length: run.length + piece.length };
    else {
      yield run;
      run = piece;
    }
  }
  if (run !== undefined) yield run;
}
