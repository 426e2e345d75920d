// SPDX-License-Identifier: MIT
import type { Size } from "../address.ts";

/** A range that a board description names: address in bytes, size in bytes or with a unit, both multiples of the page size. */
interface NamedRange {
  readonly name: string;
  readonly base: number;
  readonly size: Size;
}

/**
 * Memory that is set aside at boot. `no-map` becomes a carve-out without struct pages and linear map; `ram` keeps both and
 * is only withheld from the allocators. A carve-out may also lie outside all RAM, where the firmware already hid it.
 */
export interface ReservedMemory extends NamedRange {
  readonly kind: "no-map" | "ram";
}

/** A CMA pool: at `base`, or placed at boot. Base and size are multiples of 2 MiB, and it lies in one zone. */
export interface PoolDescription {
  readonly name: string;
  readonly size: Size;
  readonly base?: number;
  /**
   * A pool without `base` gets the highest place that ends at or below this address, 4 GiB when left out: where arm64 puts
   * its default pool; a pool with `alloc-ranges` ends with them.
   * @see dma_contiguous_reserve
   */
  readonly limit?: number;
}

/** Memory on a device, or a window of registers (`mmio`). */
export interface DeviceMemory extends NamedRange {
  readonly kind: "device" | "mmio";
  /** Device memory that its driver gave struct pages, as with `memremap_pages`. Default false. */
  readonly structPages?: boolean;
  /** Device memory with a cacheable alias in the linear map, as MEMORY_DEVICE_COHERENT has. Default false. */
  readonly linearMap?: boolean;
}

/** Memory for bounce buffers, in one piece of one zone. */
export interface SwiotlbMemory {
  /** Bytes that are wanted, a power of two; half as many, and again, where they are more than a quarter of what is free. */
  readonly size: number;
  /** Bytes below which there is none; the same as `size` for what must be so large. */
  readonly smallest: number;
  /** It ends at or below the first of these addresses that leaves room; ascending. */
  readonly limits: readonly number[];
}

/** All of a machine's physical memory, as plain data. */
export interface MemoryDescription {
  /** Banks of RAM; banks that touch become one. */
  readonly ram: readonly { readonly base: number; readonly size: Size }[];
  readonly reserved?: readonly ReservedMemory[];
  readonly cma?: readonly PoolDescription[];
  readonly device?: readonly DeviceMemory[];
  readonly swiotlb?: SwiotlbMemory;
}
