// SPDX-License-Identifier: MIT

import { alignUp, PAGE_SIZE, type PhysAddr } from "../address.ts";
import type { CpuPages } from "../buffer/dma-buf-ops.ts";
import { inject, injectable } from "../di.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { PHYSICAL_MEMORY, SIMULATION } from "../service.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { token } from "../token.ts";
import { ARCH, type Arch } from "./arch.ts";
import { ContiguousPages } from "./contiguous-pages.ts";
import { CPU, type Cpu } from "./cpu.ts";
import { type DmaDirection, dmaDirections } from "./direction.ts";
import { DMA_API, type DmaApi, type GivenBack } from "./dma-api.ts";
import { attributeBits, type DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";
import { capable, unreachable } from "./dma-reach.ts";
import * as events from "./dma-trace.ts";
import { kernelAddress } from "./kernel-address.ts";
import type { CoherentAllocation, NoncontiguousAllocation, PagesAllocation, SgMapping } from "./mapping.ts";
import { sgFromExtents } from "./scatterlist/from-extents.ts";
import type { SgTable } from "./scatterlist/sg-table.ts";
import { RestrictedPages } from "./swiotlb/restricted-pages.ts";
import { SWIOTLB, type Swiotlb } from "./swiotlb/swiotlb.ts";
import { mapWhole, type PagesRequest, type TakenPages, TranslatedPages } from "./translated-pages.ts";

/** Allocation for devices in the running system. */
export const DMA_ALLOCATIONS = token<DmaAllocations>("core", "DmaAllocations");

/** An allocation that another device can be given, too. */
type Remappable = CoherentAllocation | PagesAllocation | NoncontiguousAllocation;

/** What a driver says of an allocation when it frees it; default what is true. */
export interface FreedAs extends GivenBack {
  /** The kernel's address of coherent memory. */
  readonly address?: number;
}

/**
 * Memory that is allocated for a device (D-28 to D-37): coherent memory, which needs no sync, and pages that are mapped as
 * they are made, which do. Behind an IOMMU the memory of the former may lie anywhere (I-12); a device with a restricted pool gets
 * it from there alone (D-47). Sizes are rounded up to pages; memory is zeroed. Not modelled: pools of a device's own, atomic
 * pools, freeing with interrupts off.
 */
@injectable()
export class DmaAllocations {
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #dma: DmaApi;
  readonly #simulation: Simulation;
  readonly #pages: ContiguousPages;
  readonly #translated: TranslatedPages;
  /** What ends each allocation. */
  readonly #releases = new Map<Remappable, () => void>();
  readonly #restricted: RestrictedPages;

  constructor(
    @inject(ARCH) arch: Arch,
    @inject(CPU) cpu: Cpu,
    @inject(DMA_API) dma: DmaApi,
    @inject(SIMULATION) simulation: Simulation,
    @inject(PHYSICAL_MEMORY) memory: PhysicalMemory,
    @inject(SWIOTLB) swiotlb: Swiotlb,
  ) {
    this.#arch = arch;
    this.#cpu = cpu;
    this.#dma = dma;
    this.#simulation = simulation;
    this.#pages = new ContiguousPages(memory);
    this.#translated = new TranslatedPages(memory, this.#pages);
    this.#restricted = new RestrictedPages(swiotlb);
  }

  /**
   * Memory that CPU and device see alike: cached for a device that is coherent, write-combining or uncached for one that is
   * not (D-31), and then the cached alias is cleaned before anybody uses it (D-30). Within the coherent mask. Throws
   * `KernelError` ENOMEM when there is none that the device reaches. @see dma_alloc_attrs
   */
  coherent(device: DmaDevice, size: number, attributes: DmaAttributes = {}): Process<CoherentAllocation> {
    return this.#simulation.process("dma_alloc_attrs", this.#coherent(device, size, attributes));
  }

  *#coherent(device: DmaDevice, asked: number, attributes: DmaAttributes): Process<CoherentAllocation> {
    const size = wholePages(asked, "dma_alloc_attrs");
    const { extents, dmaAddress, source, release } = this.#take({
      ...{ device, size, direction: "bidirectional", attributes, operation: "dma_alloc_attrs" },
      scattered: attributes.forceContiguous !== true,
    });
    this.#cpu.access("clear", extents);
    if (!device.coherent) this.#cpu.maintain(this.#arch.syncForDevice(extents, "bidirectional"));
    yield* this.#cpu.settle();
    const phys = extents.addressAt(0);
    const { noKernelMapping = false, writeCombine = false } = attributes;
    const isLinear = device.coherent && source !== "scattered";
    const address = noKernelMapping ? null : kernelAddress(isLinear ? "linear" : "vmalloc", phys);
    const memoryType = device.coherent
      ? "write-back"
      : (this.#arch.coherentMemoryType?.(writeCombine) ?? "uncached");
    const allocation: CoherentAllocation = {
      ...{ kind: "coherent", device, extents, attributes, dmaAddress, size, address, memoryType, source },
    };
    this.#own(allocation, release);
    const { trace } = this.#simulation;
    const name = trace.intern(device.name);
    const bits = attributeBits(attributes);
    trace.emit(events.dmaAlloc, name, address ?? phys, dmaAddress, size, BIDIRECTIONAL, bits);
    return allocation;
  }

  /** Frees coherent memory (D-37). @see dma_free_attrs */
  freeCoherent(allocation: CoherentAllocation, as: FreedAs = {}): void {
    const { device, dmaAddress, address, extents } = allocation;
    const { trace } = this.#simulation;
    const virtual = as.address ?? address ?? extents.addressAt(0);
    const { size = allocation.size } = as;
    const bits = attributeBits(as);
    trace.emit(events.dmaFree, trace.intern(device.name), virtual, dmaAddress, size, BIDIRECTIONAL, bits);
    this.#giveBack(allocation);
  }

  /**
   * Coherent memory as user space may map it, or a part of it: with the memory type that the kernel has, too (D-31). Throws
   * `KernelError` ENXIO for pages past its end (D-33). @param offset bytes, a whole number of pages. @see dma_mmap_attrs
   */
  mmap({ extents, size, memoryType }: CoherentAllocation, offset = 0, length = size - offset): CpuPages {
    const end = offset + alignUp(length, PAGE_SIZE);
    if (offset >= 0 && offset % PAGE_SIZE === 0 && length > 0 && end <= size)
      return { extents: extents.slice(offset, end - offset), memoryType };
    const reason = `[${offset}, ${end}) are no pages of an allocation of ${size} bytes`;
    throw new KernelError("ENXIO", "dma_mmap_attrs", reason);
  }

  /**
   * The list of pages behind coherent memory, for whoever wants to map them for another device (D-33); `remap` knows better
   * what that takes. @see dma_get_sgtable_attrs
   */
  sgTable({ extents }: CoherentAllocation): SgTable {
    return sgFromExtents(extents);
  }

  /**
   * Cached pages, contiguous and mapped for the device, which are synced like any mapping (D-34). Throws as `coherent`.
   * @see dma_alloc_pages, dma_alloc_noncoherent
   */
  pages(device: DmaDevice, size: number, direction: DmaDirection): Process<PagesAllocation> {
    return this.#simulation.process("dma_alloc_pages", this.#allocPages(device, size, direction));
  }

  *#allocPages(device: DmaDevice, asked: number, direction: DmaDirection): Process<PagesAllocation> {
    const size = wholePages(asked, "dma_alloc_pages");
    const attributes: DmaAttributes = {};
    const operation = "dma_alloc_pages";
    const taken = this.#take({ device, size, direction, attributes, operation, scattered: false });
    const { extents, dmaAddress, source, release } = taken;
    this.#cpu.access("clear", extents);
    yield* this.#cpu.settle();
    const allocation: PagesAllocation = {
      ...{ kind: "pages", device, direction, extents, attributes, dmaAddress, size, source },
    };
    this.#own(allocation, release);
    const { trace } = this.#simulation;
    const address = kernelAddress("linear", extents.addressAt(0));
    const dir = dmaDirections.indexOf(direction);
    trace.emit(events.dmaAllocPages, trace.intern(device.name), address, dmaAddress, size, dir);
    return allocation;
  }

  /** Frees such pages. @see dma_free_pages */
  freePages(allocation: PagesAllocation, as: FreedAs = {}): void {
    const { device, dmaAddress, extents } = allocation;
    const { size = allocation.size, direction = allocation.direction } = as;
    const { trace } = this.#simulation;
    const address = as.address ?? kernelAddress("linear", extents.addressAt(0));
    const dir = dmaDirections.indexOf(direction);
    trace.emit(events.dmaFreePages, trace.intern(device.name), address, dmaAddress, size, dir);
    this.#giveBack(allocation);
  }

  /**
   * Cached pages that the device sees in one piece; behind an IOMMU they may lie anywhere (D-35, I-12). Throws as `coherent`, and
   * `TypeError` for an attribute other than `allocSinglePages`. @see dma_alloc_noncontiguous
   */
  noncontiguous(
    device: DmaDevice,
    size: number,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): Process<NoncontiguousAllocation> {
    const process = this.#noncontiguous(device, size, direction, attributes);
    return this.#simulation.process("dma_alloc_noncontiguous", process);
  }

  *#noncontiguous(
    device: DmaDevice,
    asked: number,
    direction: DmaDirection,
    attributes: DmaAttributes,
  ): Process<NoncontiguousAllocation> {
    const other = Object.entries(attributes).find(
      ([name, on]) => on === true && name !== "allocSinglePages",
    )?.[0];
    if (other !== undefined) throw new TypeError(`dma_alloc_noncontiguous: it takes no attribute ${other}`);
    const size = wholePages(asked, "dma_alloc_noncontiguous");
    const operation = "dma_alloc_noncontiguous";
    const taken = this.#take({ device, size, direction, attributes, operation, scattered: true });
    const { extents, dmaAddress, source, release } = taken;
    this.#cpu.access("clear", extents);
    yield* this.#cpu.settle();
    const [dmaAddresses, dmaLengths] = [Float64Array.of(dmaAddress), Float64Array.of(size)];
    const allocation: NoncontiguousAllocation = {
      ...{ kind: "noncontiguous", device, direction, extents, attributes, size, source },
      ...{ dmaAddresses, dmaLengths, nents: 1 },
    };
    this.#own(allocation, release);
    const { trace } = this.#simulation;
    const dir = dmaDirections.indexOf(direction);
    const bits = attributeBits(attributes);
    const phys = extents.addressAt(0);
    trace.emit(events.dmaAllocSgt, trace.intern(device.name), phys, dmaAddress, size, dir, bits);
    return allocation;
  }

  /** Frees such pages. @see dma_free_noncontiguous */
  freeNoncontiguous(allocation: NoncontiguousAllocation, as: FreedAs = {}): void {
    const { device, dmaAddresses, extents } = allocation;
    const { size = allocation.size, direction = allocation.direction } = as;
    const { trace } = this.#simulation;
    const dir = dmaDirections.indexOf(direction);
    const first = dmaAddresses[0] as number;
    trace.emit(events.dmaFreeSgt, trace.intern(device.name), extents.addressAt(0), first, size, dir);
    this.#giveBack(allocation);
  }

  /**
   * The same memory for another device (D32): what the kernel has instead is `dma_get_sgtable`, which does not know the kind
   * of what it is given. Coherent memory is there at once, without any maintenance, and needs none later; other
   * allocations are mapped as they would be for that device, with the maintenance that this takes. What is mapped through an
   * IOMMU is to be given back with `freeCoherent`. Throws `KernelError` EIO when the device does not reach it, or needs in one
   * piece what lies in several, EINVAL for memory that is cached because its own device is coherent and the other is
   * not: it could not be coherent for both.
   */
  remap(allocation: CoherentAllocation, device: DmaDevice): CoherentAllocation;
  remap(allocation: PagesAllocation | NoncontiguousAllocation, device: DmaDevice): SgMapping;
  remap(allocation: Remappable, device: DmaDevice): CoherentAllocation | SgMapping {
    const { extents } = allocation;
    if (allocation.kind !== "coherent") return this.#dma.mapSgtable(device, extents, allocation.direction);
    if (allocation.memoryType === "write-back" && !device.coherent) {
      const owner = allocation.device.name;
      const reason = `the memory is cached, since ${owner} is coherent; ${device.name} is not and would miss what is in the cache`;
      throw new KernelError("EINVAL", "dma_alloc_remap", reason);
    }
    if (isTranslated(device)) {
      const { attributes } = allocation;
      const request = {
        device,
        direction: "bidirectional",
        attributes,
        operation: "dma_alloc_remap",
      } as const;
      const { dmaAddress, unmap } = mapWhole(request, extents);
      const remapped: CoherentAllocation = { ...allocation, device, dmaAddress };
      this.#own(remapped, unmap);
      return remapped;
    }
    const start = extents.addressAt(0);
    const end = start + extents.bytes;
    const mask = device.masks.coherent;
    if (extents.count > 1) {
      const reason = `the memory lies in ${extents.count} pieces, and ${device.name} is not behind an IOMMU`;
      throw new KernelError("EIO", "dma_alloc_remap", reason);
    }
    const dmaAddress = capable(device, start, end, "bidirectional", mask);
    if (dmaAddress === null) throw unreachable(device, start, end, "dma_alloc_remap", mask);
    return { ...allocation, device, dmaAddress };
  }

  #take(request: PagesRequest): TakenPages {
    const { device, size, operation } = request;
    if (isTranslated(device)) return this.#translated.take(request);
    device.useDmaApi?.();
    const bus = (address: PhysAddr): number | null =>
      capable(device, address, address + size, "bidirectional", device.masks.coherent);
    const taken = this.#restricted.has(device)
      ? this.#restrictedPages(device, size, bus)
      : this.#pages.take(size, (address) => bus(address) !== null);
    if (taken === null) {
      const reason = `${device.name}: no ${size} contiguous bytes are free that it reaches`;
      throw new KernelError("ENOMEM", operation, reason);
    }
    const { address, source } = taken;
    const extents = Extents.of([address, address + size]);
    const release = (): void => {
      if (source === "restricted") this.#restricted.give(device, address);
      else this.#pages.give(address, size, source);
    };
    return { extents, dmaAddress: bus(address) as number, source, release };
  }

  #own(allocation: Remappable, release: () => void): void {
    this.#releases.set(allocation, release);
    this.#dma.own(allocation);
  }

  #restrictedPages(
    device: DmaDevice,
    size: number,
    bus: (address: PhysAddr) => number | null,
  ): { address: PhysAddr; source: "restricted" } | null {
    const address = this.#restricted.take(device, size);
    if (address === null) return null;
    if (bus(address) !== null) return { address, source: "restricted" };
    this.#restricted.give(device, address);
    return null;
  }

  #giveBack(allocation: Remappable): void {
    if (!this.#dma.disown(allocation)) return;
    this.#releases.get(allocation)?.();
    this.#releases.delete(allocation);
  }
}

const isTranslated = ({ iommu }: DmaDevice): boolean => iommu !== undefined && iommu !== null;

const BIDIRECTIONAL = dmaDirections.indexOf("bidirectional");

function wholePages(size: number, operation: string): number {
  if (Number.isSafeInteger(size) && size > 0) return alignUp(size, PAGE_SIZE);
  throw new KernelError("EINVAL", operation, `${size} is not a number of bytes`);
}
