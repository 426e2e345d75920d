// SPDX-License-Identifier: MIT
import { type DmaAddr, dmaAddr, PAGE_SIZE } from "../../address.ts";
import { KernelBug, KernelError } from "../../error.ts";
import { CACHED_ORDERS, CachedIova, type CachedIovaOptions } from "./cached-iova.ts";
import { FirstFitIova } from "./first-fit-iova.ts";
import type { IovaAllocator } from "./iova-allocator.ts";
import { LinuxIova } from "./linux-iova.ts";

const GIB_4 = 2 ** 32;

/** A half-open range of bus addresses. */
export interface BusRange {
  readonly start: number;
  readonly end: number;
}

/** How far the addresses of one device go: last addresses, not ends. */
export interface IovaLimit {
  /** The device's DMA mask. */
  readonly mask: number;
  /** Last address that gets through its bus. @see bus_dma_limit in struct device */
  readonly busLimit?: number;
  /** Last address that the IOMMU translates, where it refuses others. */
  readonly apertureEnd?: number;
  /**
   * For a PCI device: whether addresses below 4 GiB are tried first. Set to false for good when there are none left.
   * @see pci_32bit_workaround in struct dev_iommu
   */
  pci32BitWorkaround?: boolean;
}

/** What an `IovaDomain` is made of. */
export interface IovaDomainOptions extends CachedIovaOptions {
  /** Smallest page that the IOMMU maps, in bytes (default 4096). */
  readonly granule?: number;
  /** What the IOMMU translates; half-open. */
  readonly aperture?: BusRange;
  /** What the device reaches through its bus (`dma-ranges`); half-open. */
  readonly dmaRange?: BusRange;
  /** Which addresses: those of Linux (default), or always the highest that fit. */
  readonly policy?: "linux" | "first-fit";
}

/**
 * The I/O virtual addresses of one IOMMU domain, in bytes (I-1, I-3). Everything is a multiple of the granule, and address 0 is
 * never handed out. @see struct iova_domain
 */
export class IovaDomain {
  /** Smallest page that the IOMMU maps, in bytes. */
  readonly granule: number;
  readonly #allocator: IovaAllocator;
  readonly #cached: CachedIova;

  /**
   * Throws `KernelBug` for a granule that is not a power of two from 64 to 4096, and `KernelError` EFAULT when the device
   * reaches nothing of what the IOMMU translates (I-1). @see iommu_dma_init_domain
   */
  constructor(options: IovaDomainOptions = {}) {
    const { granule = PAGE_SIZE, policy = "linux" } = options;
    if (!(granule >= 64 && granule <= PAGE_SIZE && Number.isInteger(Math.log2(granule))))
      throw new KernelBug(
        `init_iova_domain: granule ${granule} is not a power of two from 64 to ${PAGE_SIZE}`,
      );
    this.granule = granule;
    const start = Math.max(1, Math.floor(firstAddress(options) / granule));
    this.#allocator = policy === "linux" ? new LinuxIova(start, GIB_4 / granule) : new FirstFitIova(start);
    this.#cached = new CachedIova(this.#allocator, options);
  }

  /** The lowest address that is ever handed out. */
  get start(): DmaAddr {
    return dmaAddr(this.#allocator.start * this.granule);
  }

  /** Parts of a list can be merged where they meet at a multiple of this plus one (I-13). @see dma_get_merge_boundary */
  get mergeBoundary(): number {
    return this.granule - 1;
  }

  /** The largest mapping in bytes whose addresses the range caches keep, by pages of the CPU (I-13). @see iova_rcache_range */
  get optimalSize(): number {
    return PAGE_SIZE * 2 ** (CACHED_ORDERS - 1);
  }

  /** The range caches and the allocator behind them. */
  get caches(): CachedIova {
    return this.#cached;
  }

  /** Ranges that are allocated, reserved or kept by the caches. */
  get rangeCount(): number {
    return this.#allocator.rangeCount;
  }

  /** Keeps [start, end) from being handed out, whole granules: windows of PCI host bridges, regions that firmware reserves. */
  reserve(start: number, end: number): void {
    this.#allocator.reserve(Math.floor(start / this.granule), Math.ceil(end / this.granule));
  }

  /**
   * Takes addresses for `size` bytes, rounded up to the granule, as high as the limit allows, aligned to the size rounded up
   * to a power of two (I-3). Returns the first one, or null when there is no place. @see iommu_dma_alloc_iova
   */
  allocate(size: number, limit: IovaLimit, cpu = 0): DmaAddr | null {
    const frames = Math.ceil(size / this.granule);
    if (!(frames >= 1)) throw new TypeError(`cannot allocate ${size} bytes of I/O virtual addresses`);
    const { mask, busLimit = 0, apertureEnd = mask } = limit;
    // A bus limit of 0 means that there is none. Addresses are exact up to 2^53.
    const last = Math.min(mask, busLimit === 0 ? mask : busLimit, apertureEnd, Number.MAX_SAFE_INTEGER);
    if (last >= GIB_4 && limit.pci32BitWorkaround === true) {
      const low = this.#cached.allocate(frames, GIB_4 / this.granule - 1, false, cpu);
      if (low !== null) return (low * this.granule) as DmaAddr;
      limit.pci32BitWorkaround = false;
    }
    const first = this.#cached.allocate(frames, Math.floor(last / this.granule), true, cpu);
    return first === null ? null : ((first * this.granule) as DmaAddr);
  }

  /** Gives addresses back that were allocated with this size. */
  free(address: DmaAddr, size: number, cpu = 0): void {
    this.#cached.free(Math.floor(address / this.granule), Math.ceil(size / this.granule), cpu);
  }
}

/** Where the addresses begin that a device can use. */
function firstAddress({ aperture, dmaRange }: IovaDomainOptions): number {
  if (aperture === undefined || dmaRange === undefined)
    return Math.max(aperture?.start ?? 0, dmaRange?.start ?? 0);
  if (dmaRange.start >= aperture.end || dmaRange.end <= aperture.start) {
    throw new KernelError(
      "EFAULT",
      "iommu_dma_init_domain",
      `the device reaches [0x${dmaRange.start.toString(16)}, 0x${dmaRange.end.toString(16)}), ` +
        `the IOMMU translates [0x${aperture.start.toString(16)}, 0x${aperture.end.toString(16)})`,
    );
  }
  return Math.max(aperture.start, dmaRange.start);
}
