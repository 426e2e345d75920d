// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import type { Trace } from "../../sim/trace.ts";
import type { Arch } from "../arch.ts";
import type { Cpu } from "../cpu.ts";
import type { DmaDirection } from "../direction.ts";
import type { DmaAttributes } from "../dma-attributes.ts";
import { segmentLimitsOf } from "../dma-constraints.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { DmaTranslation } from "../dma-translation.ts";
import { iommuProt } from "../iova/iommu-prot.ts";
import { finaliseSg } from "../scatterlist/finalise-sg.ts";
import { sgFromExtents } from "../scatterlist/from-extents.ts";
import { type IovaPiece, iovaLayout, iovaPieces } from "../scatterlist/iova-layout.ts";
import type { DmaBackend, MapRequest, Placement } from "./dma-backend.ts";
import { IommuPlacement } from "./iommu-placement.ts";

/**
 * DMA through an IOMMU (I-1 to I-13): a bus address is one of the device's own domain, memory may lie anywhere, and a list
 * is one range of addresses whose entries are joined as far as the device's limits allow.
 * @see drivers/iommu/dma-iommu.c
 */
export class IommuDma implements DmaBackend {
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #trace: Trace;

  constructor(arch: Arch, cpu: Cpu, trace: Trace) {
    this.#arch = arch;
    this.#cpu = cpu;
    this.#trace = trace;
  }

  /** Throws `KernelError` EIO for a page, ENOMEM for a list, when there are no addresses; EINVAL where the table refuses (I-9). */
  place(request: MapRequest): Placement {
    const { device, attributes, operation } = request;
    if (attributes.requireCoherent === true && !device.coherent) {
      throw new KernelError("EIO", operation, `${device.name} is not coherent, and the mapping must be`);
    }
    return request.list ? this.#list(request) : this.#page(request);
  }

  placeResource(request: MapRequest): Placement {
    return this.#page({ ...request, attributes: { ...request.attributes, mmio: true } });
  }

  maxMappingSize(): number {
    return Number.POSITIVE_INFINITY;
  }

  optMappingSize(device: DmaDevice): number {
    return translationOf(device).domain.iova.optimalSize;
  }

  mergeBoundary(device: DmaDevice): number {
    return translationOf(device).domain.iova.mergeBoundary;
  }

  #page(request: MapRequest): Placement {
    const { device, extents, operation } = request;
    const { domain } = translationOf(device);
    const limit = limitOf(device);
    const size = extents.bytes;
    const address = domain.map(extents.addressAt(0), size, protOf(request), limit);
    if (address === null) {
      const reason = `${device.name}: no ${size} bytes of I/O virtual addresses up to 0x${limit.mask.toString(16)}`;
      throw new KernelError("EIO", operation, reason);
    }
    domain.table.syncMap?.(address, size);
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
      if (mapped > 0) domain.table.unmap(iova, mapped);
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
    const hands = { arch: this.#arch, cpu: this.#cpu, trace: this.#trace };
    const { domain } = translationOf(request.device);
    return new IommuPlacement(hands, request, { dmaAddresses, dmaLengths, table: domain.table, release });
  }
}

/** The IOMMU of a device that has one. */
export function translationOf({ iommu, name }: DmaDevice): DmaTranslation {
  if (iommu === undefined || iommu === null) throw new TypeError(`${name} is not behind an IOMMU`);
  return iommu;
}

const limitOf = (device: DmaDevice) => translationOf(device).limit(device.masks.streaming);

/** What a device may do through a mapping (I-2). */
export function protOf({
  device,
  direction,
  attributes,
}: {
  readonly device: DmaDevice;
  readonly direction: DmaDirection;
  readonly attributes: DmaAttributes;
}): number {
  const { privileged = false, mmio = false } = attributes;
  return iommuProt(direction, { coherent: device.coherent, privileged, mmio });
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
