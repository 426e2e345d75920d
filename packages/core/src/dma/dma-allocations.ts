// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE, type PhysAddr, physAddr } from "../address.ts";
import { inject, injectable } from "../di.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { PHYSICAL_MEMORY, SIMULATION } from "../service.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { token } from "../token.ts";
import { ARCH, type Arch } from "./arch.ts";
import { ContiguousPages, type PageSource } from "./contiguous-pages.ts";
import { CPU, type Cpu } from "./cpu.ts";
import { type DmaDirection, dmaDirections } from "./direction.ts";
import { DMA_API, type DmaApi, type GivenBack } from "./dma-api.ts";
import { attributeBits, type DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";
import { capable, unreachable } from "./dma-reach.ts";
import * as events from "./dma-trace.ts";
import { kernelAddress } from "./kernel-address.ts";
import type { CoherentAllocation, NoncontiguousAllocation, PagesAllocation, SgMapping } from "./mapping.ts";

import { RestrictedPages } from "./swiotlb/restricted-pages.ts";
import { SWIOTLB, type Swiotlb } from "./swiotlb/swiotlb.ts";

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
 * they are made, which do. Sizes are rounded up to pages; memory is zeroed. A device with a restricted pool gets it from there
 * alone (D-47). Not modelled: pools of a device's own, atomic
 * pools, freeing with interrupts off.
 */
@injectable()
export class DmaAllocations {
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #dma: DmaApi;
  readonly #simulation: Simulation;
  readonly #pages: ContiguousPages;
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
    const { extents, dmaAddress, source } = this.#take(
      device,
      size,
      "dma_alloc_attrs",
      device.masks.coherent,
    );
    this.#cpu.access("clear", extents);
    if (!device.coherent) this.#cpu.maintain(this.#arch.syncForDevice(extents, "bidirectional"));
    yield* this.#cpu.settle();
    const phys = extents.addressAt(0);
    const { noKernelMapping = false, writeCombine = false } = attributes;
    const address = noKernelMapping ? null : kernelAddress(device.coherent ? "linear" : "vmalloc", phys);
    const memoryType = device.coherent
      ? "write-back"
      : (this.#arch.coherentMemoryType?.(writeCombine) ?? "uncached");
    const allocation: CoherentAllocation = {
      ...{ kind: "coherent", device, extents, attributes, dmaAddress, size, address, memoryType, source },
    };
    this.#dma.own(allocation);
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
   * Cached pages, contiguous and mapped for the device, which are synced like any mapping (D-34). Throws as `coherent`.
   * @see dma_alloc_pages, dma_alloc_noncoherent
   */
  pages(device: DmaDevice, size: number, direction: DmaDirection): Process<PagesAllocation> {
    return this.#simulation.process("dma_alloc_pages", this.#allocPages(device, size, direction));
  }

  *#allocPages(device: DmaDevice, asked: number, direction: DmaDirection): Process<PagesAllocation> {
    const size = wholePages(asked, "dma_alloc_pages");
    const { extents, dmaAddress, source } = this.#take(
      device,
      size,
      "dma_alloc_pages",
      device.masks.coherent,
    );
    this.#cpu.access("clear", extents);
    yield* this.#cpu.settle();
    const attributes: DmaAttributes = {};
    const allocation: PagesAllocation = {
      ...{ kind: "pages", device, direction, extents, attributes, dmaAddress, size, source },
    };
    this.#dma.own(allocation);
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
   * Cached pages that the device sees in one piece or several; without an IOMMU in one (D-35). Throws as `coherent`, and
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
    const taken = this.#take(device, size, "dma_alloc_noncontiguous", device.masks.coherent);
    const { extents, dmaAddress, source } = taken;
    this.#cpu.access("clear", extents);
    yield* this.#cpu.settle();
    const [dmaAddresses, dmaLengths] = [Float64Array.of(dmaAddress), Float64Array.of(size)];
    const allocation: NoncontiguousAllocation = {
      ...{ kind: "noncontiguous", device, direction, extents, attributes, size, source },
      ...{ dmaAddresses, dmaLengths, nents: 1 },
    };
    this.#dma.own(allocation);
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
   * allocations are mapped as they would be for that device, with the maintenance that this takes. Throws `KernelError` EIO when
   * the device does not reach it, EINVAL for memory that is cached because its own device is coherent and the other is
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
    const start = extents.addressAt(0);
    const end = start + extents.bytes;
    const mask = device.masks.coherent;
    const dmaAddress = capable(device, start, end, "bidirectional", mask);
    if (dmaAddress === null) throw unreachable(device, start, end, "dma_alloc_remap", mask);
    return { ...allocation, device, dmaAddress };
  }

  #take(
    device: DmaDevice,
    size: number,
    operation: string,
    mask: number,
  ): { extents: Extents; dmaAddress: number; source: PageSource } {
    const bus = (address: PhysAddr): number | null =>
      capable(device, address, address + size, "bidirectional", mask);
    const taken = this.#restricted.has(device)
      ? this.#restrictedPages(device, size, bus)
      : this.#pages.take(size, (address) => bus(address) !== null);
    if (taken === null) {
      const reason = `${device.name}: no ${size} contiguous bytes are free that it reaches`;
      throw new KernelError("ENOMEM", operation, reason);
    }
    const { address, source } = taken;
    return { extents: Extents.of([address, address + size]), dmaAddress: bus(address) as number, source };
  }

  #restrictedPages(
    device: DmaDevice,
    size: number,
    bus: (address: PhysAddr) => number | null,
  ): { address: PhysAddr; source: PageSource } | null {
    const address = this.#restricted.take(device, size);
    if (address === null) return null;
    if (bus(address) !== null) return { address, source: "restricted" };
    this.#restricted.give(device, address);
    return null;
  }

  #giveBack(allocation: Remappable): void {
    if (!this.#dma.disown(allocation)) return;
    const address = physAddr(allocation.extents.addressAt(0));
    if (allocation.source === "restricted") this.#restricted.give(allocation.device, address);
    else this.#pages.give(address, allocation.size, allocation.source);
  }
}

const BIDIRECTIONAL = dmaDirections.indexOf("bidirectional");

function wholePages(size: number, operation: string): number {
  if (Number.isSafeInteger(size) && size > 0) return alignUp(size, PAGE_SIZE);
  throw new KernelError("EINVAL", operation, `${size} is not a number of bytes`);
}
