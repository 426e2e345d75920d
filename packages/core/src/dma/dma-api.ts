// SPDX-License-Identifier: MIT
import type { CpuAddr, PhysAddr } from "../address.ts";
import { KERNEL_PROFILE, type KernelProfile } from "../buffer/kernel-profile.ts";
import { inject, injectable } from "../di.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { PHYSICAL_MEMORY, SIMULATION } from "../service.ts";
import type { Simulation } from "../sim/simulation.ts";
import { token } from "../token.ts";
import { ARCH, type Arch } from "./arch.ts";
import { DirectDma } from "./backend/direct-dma.ts";
import type { DmaBackend, EntryBounce, MapRequest, Placement } from "./backend/dma-backend.ts";
import { IommuDma } from "./backend/iommu-dma.ts";
import { CPU, type Cpu } from "./cpu.ts";
import { checkDirection, type DmaDirection, directionNumber } from "./direction.ts";
import { attributeBits, type DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";
import { DmaSyncs } from "./dma-syncs.ts";
import * as events from "./dma-trace.ts";
import { physToDma } from "./dma-window.ts";
import { IovaLink, type LinkHands } from "./iova-link.ts";
import { linearPhys } from "./kernel-address.ts";
import {
  DMA_MAPPING_ERROR,
  type DmaMapping,
  dmaAddressOf,
  type PageMapping,
  type ResourceMapping,
  type SgMapping,
} from "./mapping.ts";
import { outsizeEntries } from "./outsize-entries.ts";
import { SWIOTLB, type Swiotlb } from "./swiotlb/swiotlb.ts";

/** The DMA API of the running system. */
export const DMA_API = token<DmaApi>("core", "DmaApi");

/** What a driver says of a mapping when it gives it back; default what is true. */
export interface GivenBack extends DmaAttributes {
  readonly size?: number;
  readonly direction?: DmaDirection;
  /** Entries of the scatterlist: those that it had, not those that were mapped (D-7). */
  readonly entries?: number;
}

/**
 * The streaming DMA API: memory that is handed to a device and back. Addresses are physical ones as the device's windows
 * show them (D-20 to D-26), or those of the IOMMU in front of it (I-1 to I-13), and devices that are not coherent get the
 * architecture's maintenance.
 * Whoever gives back something else than was taken makes a mistake that a kernel without debugging does not notice: here
 * it is the finding `dma-api-misuse`, with the entry of dma-debug's catalogue (5.6).
 */
@injectable()
export class DmaApi extends DmaSyncs {
  readonly #direct: DirectDma;
  readonly #iommu: IommuDma;
  readonly #linkHands: LinkHands;
  readonly #swiotlb: Swiotlb;
  readonly #memory: PhysicalMemory;
  readonly #kernel: KernelProfile;
  readonly #live = new Set<DmaMapping>();

  constructor(
    @inject(ARCH) arch: Arch,
    @inject(CPU) cpu: Cpu,
    @inject(SIMULATION) simulation: Simulation,
    @inject(PHYSICAL_MEMORY) memory: PhysicalMemory,
    @inject(SWIOTLB) swiotlb: Swiotlb,
    @inject(KERNEL_PROFILE) kernel: KernelProfile,
  ) {
    const { trace, diagnostics } = simulation;
    super(trace, arch, cpu);
    const hands = { arch, cpu, trace, diagnostics };
    this.#direct = new DirectDma(hands, swiotlb, memory);
    this.#iommu = new IommuDma(hands, swiotlb, memory);
    this.#linkHands = { arch, cpu, ended: (link) => this.#live.delete(link) };
    this.#swiotlb = swiotlb;
    this.#memory = memory;
    this.#kernel = kernel;
  }

  /** Mappings and allocations that were not given back. */
  get live(): ReadonlySet<DmaMapping> {
    return this.#live;
  }

  /**
   * Maps a contiguous physical range of RAM. Throws `KernelError` EIO when the device cannot reach it (D-14).
   * @see dma_map_page
   */
  mapPage(
    device: DmaDevice,
    address: PhysAddr,
    size: number,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): PageMapping {
    checkDirection(direction);
    const extents = Extents.of([address, address + size]);
    const request = { device, extents, direction, attributes, operation: "dma_map_page", list: false };
    const placement = this.#placed(request);
    const dmaAddress = placement === null ? DMA_MAPPING_ERROR : (placement.dmaAddresses[0] as number);
    const bits = attributeBits(attributes);
    const name = this.trace.intern(device.name);
    const dir = directionNumber(direction);
    const event = this.trace.emit(events.dmaMapPage, name, address, dmaAddress, size, dir, bits);
    const known = { kind: "page", device, direction, extents, attributes, dmaAddress, size } as const;
    if (placement === null) return { ...known, placement: failed };
    const mapping: PageMapping = { ...known, placement };
    this.#live.add(mapping);
    if (attributes.unchecked !== true) this.mappingError(mapping);
    placement.map(event);
    return mapping;
  }

  /**
   * Maps memory by its address in the kernel's linear map. Throws as `mapPage`, and EIO for an address that is not in it,
   * of which the kernel warns as well. @see dma_map_single
   */
  mapSingle(
    device: DmaDevice,
    address: CpuAddr,
    size: number,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): PageMapping {
    const phys = linearPhys(address, this.#memory);
    this.trace.emit(events.dmaMapSingle, this.trace.intern(device.name), address, size);
    if (phys === null) {
      const reason = `${device.name}: 0x${address.toString(16)} is no address of the linear map`;
      throw new KernelError("EIO", "dma_map_single", reason);
    }
    return this.mapPage(device, phys, size, direction, attributes);
  }

  /** Gives a contiguous range back: the CPU owns it again (D-25). @see dma_unmap_page */
  unmapPage(mapping: PageMapping, given: GivenBack = {}): void {
    const { device, extents } = mapping;
    const { size = extents.bytes, direction = mapping.direction } = given;
    const bits = attributeBits(given);
    const name = this.trace.intern(device.name);
    const event = this.trace.emit(
      events.dmaUnmapPage,
      name,
      dmaAddressOf(mapping),
      size,
      directionNumber(direction),
      bits,
    );
    this.#unplace(mapping, direction, given, event);
  }

  /**
   * Maps a scatterlist. Throws `KernelError` EIO when the device cannot reach part of it, and then nothing is mapped (D-6,
   * D-23). @see dma_map_sgtable
   */
  mapSgtable(
    device: DmaDevice,
    extents: Extents,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): SgMapping {
    checkDirection(direction);
    const request = { device, extents, direction, attributes, operation: "dma_map_sgtable", list: true };
    const placement = this.#backend(device).place(request);
    const { dmaAddresses, dmaLengths, nents } = placement;
    const mapping: SgMapping = {
      ...{ kind: "sg", device, direction, extents, attributes, dmaAddresses, dmaLengths, nents, placement },
      skipCpuSync: attributes.skipCpuSync === true,
    };
    this.#live.add(mapping);
    const event = this.trace.emit(
      events.dmaMapSg,
      this.trace.intern(device.name),
      extents.count,
      nents,
      extents.addressAt(0),
      dmaAddresses[0] as number,
      extents.bytes,
      directionNumber(direction),
      attributeBits(attributes),
    );
    for (const { entry, why, bound } of outsizeEntries(device, dmaAddresses, dmaLengths, nents)) {
      const [start, length] = [dmaAddresses[entry] as number, dmaLengths[entry] as number];
      const reason = why === "longer" ? 0 : 1;
      this.trace.emit(
        events.dmaSgOutsize,
        this.trace.intern(device.name),
        entry,
        start,
        length,
        bound,
        reason,
      );
    }
    placement.map(event);
    return mapping;
  }

  /** Gives a scatterlist back: the CPU owns the memory again (D-25). @see dma_unmap_sgtable */
  unmapSgtable(mapping: SgMapping, given: GivenBack = {}): void {
    const { device, extents } = mapping;
    const { direction = mapping.direction, entries = extents.count } = given;
    const name = this.trace.intern(device.name);
    const bits = attributeBits(given);
    const event = this.trace.emit(
      events.dmaUnmapSg,
      name,
      dmaAddressOf(mapping),
      directionNumber(direction),
      bits,
      entries,
    );
    this.#unplace(mapping, direction, given, event);
  }

  /**
   * Maps a window of another device: no maintenance, no bounce, at the address where it is, or through the device's IOMMU as
   * registers that nobody snoops (D-9, I-2). Throws `KernelError` EIO
   * for RAM, of which the kernel warns, and for what the device cannot reach. @see dma_map_resource
   */
  mapResource(
    device: DmaDevice,
    address: PhysAddr,
    size: number,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): ResourceMapping {
    checkDirection(direction);
    const region = this.#memory.regionAt(address);
    const operation = "dma_map_resource";
    if (region?.structPages === true) {
      throw new KernelError(
        "EIO",
        operation,
        `0x${address.toString(16)} is RAM (${region.name}), map its pages`,
      );
    }
    const extents = Extents.of([address, address + size]);
    const request = { device, extents, direction, attributes, operation, list: false };
    const placement = this.#backend(device).placeResource(request);
    const dmaAddress = placement.dmaAddresses[0] as number;
    const mapping: ResourceMapping = {
      ...{ kind: "resource", device, direction, extents, attributes, dmaAddress, size, placement },
    };
    const name = this.trace.intern(device.name);
    const bits = attributeBits(attributes);
    this.trace.emit(events.dmaMapResource, name, address, dmaAddress, size, directionNumber(direction), bits);
    this.#live.add(mapping);
    if (attributes.unchecked !== true) this.mappingError(mapping);
    return mapping;
  }

  /** Gives a window of another device back. @see dma_unmap_resource */
  unmapResource(mapping: ResourceMapping, given: GivenBack = {}): void {
    const { device, extents } = mapping;
    const { size = extents.bytes, direction = mapping.direction } = given;
    const name = this.trace.intern(device.name);
    const bits = attributeBits(given);
    const at = dmaAddressOf(mapping);
    const event = this.trace.emit(events.dmaUnmapResource, name, at, size, directionNumber(direction), bits);
    this.#unplace(mapping, direction, given, event);
  }

  /**
   * Takes addresses for `size` bytes, to be linked to memory piece by piece; of `phys` only the place within the granule
   * counts (I-20). Null for a device without an IOMMU or with all of its memory bounced, when there are none, and, with a WARN,
   * for a size of 0. Throws `TypeError` on a kernel older than 6.16, which does not have it. @see dma_iova_try_alloc
   */
  iovaTryAlloc(device: DmaDevice, phys: PhysAddr, size: number): IovaLink | null {
    const { iovaLinks, name } = this.#kernel;
    if (!iovaLinks)
      throw new TypeError(`dma_iova_try_alloc: ${name} does not have it; Linux 6.16 on does: boot linux72`);
    if (this.#swiotlb.of(device)?.forced === true) return null;
    const link = IovaLink.tryAllocate(device, phys, size, this.#linkHands);
    if (link !== null) this.#live.add(link);
    return link;
  }

  /** The mask that is enough for all memory: all ones up to its highest address (D-17). @see dma_get_required_mask */
  requiredMask(device: DmaDevice): number {
    const highest = this.#memory.ramEnd - 1;
    const bus = physToDma(device.windows, highest, "bidirectional") ?? highest;
    return 2 ** (Math.floor(Math.log2(bus)) + 1) - 1;
  }

  /** Asks whether mapping failed; a driver that does not is found out. @see dma_mapping_error */
  mappingError(mapping: PageMapping | ResourceMapping): boolean {
    const name = this.trace.intern(mapping.device.name);
    this.trace.emit(events.dmaMappingError, name, dmaAddressOf(mapping));
    return dmaAddressOf(mapping) === DMA_MAPPING_ERROR;
  }

  /**
   * Which ranges would bounce if they were mapped for the device, and why; empty where it could use all of them itself.
   * Nothing is copied or taken, so that an exporter can ask before it allocates more (D21). Whether slots are free then
   * is not asked.
   */
  testMap(device: DmaDevice, extents: Extents, direction: DmaDirection): readonly EntryBounce[] {
    checkDirection(direction);
    const request = { device, extents, direction, attributes: {}, operation: "dma_test_map", list: true };
    return this.#backend(device).testMap?.(request) ?? [];
  }

  /** Bytes that one mapping of the device can have at most; infinite where nothing limits it (D-19). @see dma_max_mapping_size */
  maxMappingSize(device: DmaDevice): number {
    return this.#backend(device).maxMappingSize(device);
  }

  /** Bytes that one mapping should have at most, to be quick (D-19, I-13). @see dma_opt_mapping_size */
  optMappingSize(device: DmaDevice): number {
    return this.#backend(device).optMappingSize(device);
  }

  /**
   * Entries of a list that end and begin at multiples of this plus one are joined for the device; 0 where none are (I-13).
   * @see dma_get_merge_boundary
   */
  mergeBoundary(device: DmaDevice): number {
    return this.#backend(device).mergeBoundary(device);
  }

  /** Whether sync calls of the device may do something: not for a coherent one that has never bounced (D-27, D-48). @see dma_need_sync */
  needSync(device: DmaDevice): boolean {
    return !device.coherent || this.#swiotlb.hasBounced(device);
  }

  /** The device's driver goes: what it has not given back by now is found out. @see BUS_NOTIFY_UNBOUND_DRIVER */
  unbindDriver(device: DmaDevice): void {
    this.trace.emit(events.dmaDriverUnbound, this.trace.intern(device.name));
  }

  /** Takes account of an allocation; for `DmaAllocations`. */
  own(allocation: DmaMapping): void {
    this.#live.add(allocation);
  }

  /** Takes it off the account; false when it is not on it. */
  disown(allocation: DmaMapping): boolean {
    return this.#live.delete(allocation);
  }

  /** Who gives a device its addresses (D-1). */
  #backend({ iommu }: DmaDevice): DmaBackend {
    return iommu === undefined || iommu === null ? this.#direct : this.#iommu;
  }

  /** Places a mapping; null instead of an error for a driver that asks by itself. */
  #placed(request: MapRequest): Placement | null {
    try {
      return this.#backend(request.device).place(request);
    } catch (error) {
      if (request.attributes.unchecked === true && error instanceof KernelError) return null;
      throw error;
    }
  }

  /** Ends a mapping; one that is none, or none of this kind, is not touched. */
  #unplace(
    mapping: PageMapping | SgMapping | ResourceMapping,
    direction: DmaDirection,
    given: DmaAttributes,
    event: number,
  ): void {
    if (this.#live.delete(mapping)) mapping.placement.unmap(direction, given.skipCpuSync === true, event);
  }
}

/** Of a mapping that failed: there is nothing to hand over. */
const failed: Placement = {
  dmaAddresses: Float64Array.of(DMA_MAPPING_ERROR),
  dmaLengths: Float64Array.of(0),
  nents: 0,
  bounced: null,
  map: () => {},
  syncForDevice: () => {},
  syncForCpu: () => {},
  unmap: () => {},
  reached: () => [],
};
