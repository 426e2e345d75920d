// SPDX-License-Identifier: MIT
import type { CpuAddr } from "../address.ts";
import type { Extents } from "../memory/extents.ts";
import type { Placement } from "./backend/dma-backend.ts";
import type { PageSource } from "./contiguous-pages.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";
import type { IovaLink } from "./iova-link.ts";
import type { MemoryType } from "./memory-type.ts";

/** The bus address of a mapping that failed: all ones, of the addresses that there are. */
export const DMA_MAPPING_ERROR = 2 ** 53 - 1;

/** What every mapping knows of itself: its kind, whose it is, and the memory behind it. */
interface Mapped {
  readonly device: DmaDevice;
  readonly direction: DmaDirection;
  /** Physical ranges, in order. */
  readonly extents: Extents;
  readonly attributes: DmaAttributes;
}

/** What was placed by a backend, and is handed over by it. */
interface Placed extends Mapped {
  readonly placement: Placement;
}

/** One contiguous range that is handed to the device and back. @see dma_map_page, dma_map_single */
export interface PageMapping extends Placed {
  readonly kind: "page";
  readonly dmaAddress: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * A scatterlist as it is mapped for one device: the CPU's view (`extents`, one range an entry) and the device's
 * (`dmaAddresses`, `dmaLengths`, `nents` entries). Flat arrays, not an object an entry. @see sg_table
 */
export interface SgMapping extends Placed {
  readonly kind: "sg";
  /** Bus address of each mapped entry. */
  readonly dmaAddresses: Float64Array;
  /** Bytes of each mapped entry (`sg_dma_len`). */
  readonly dmaLengths: Float64Array;
  /** Number of mapped entries; direct mapping never coalesces (D-23), so it equals the number of ranges there. */
  readonly nents: number;
  /** Whether it was mapped with `skipCpuSync`. */
  readonly skipCpuSync: boolean;
}

/** A window of another device, which nobody caches and nobody bounces (D-9). @see dma_map_resource */
export interface ResourceMapping extends Placed {
  readonly kind: "resource";
  readonly dmaAddress: number;
  readonly size: number;
}

/** Memory that CPU and device see alike without any sync. @see dma_alloc_attrs */
export interface CoherentAllocation extends Omit<Mapped, "direction"> {
  readonly kind: "coherent";
  readonly dmaAddress: number;
  readonly size: number;
  /** Where the CPU sees it, or null with `noKernelMapping`: then the allocation is a cookie, not to be touched (D-29). */
  readonly address: CpuAddr | null;
  /** How the CPU sees it (D-31). */
  readonly memoryType: MemoryType;
  /** Where it came from, for whoever frees it. */
  readonly source: PageSource;
}

/** Cached pages that are mapped as they are made and need syncs like a mapping. @see dma_alloc_pages, dma_alloc_noncoherent */
export interface PagesAllocation extends Mapped {
  readonly kind: "pages";
  readonly dmaAddress: number;
  readonly size: number;
  readonly source: PageSource;
}

/** Pages that need not lie together, mapped as they are made. @see dma_alloc_noncontiguous */
export interface NoncontiguousAllocation extends Mapped {
  readonly kind: "noncontiguous";
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  readonly nents: number;
  readonly size: number;
  readonly source: PageSource;
}

/**
 * What the DMA API hands out. Its kind is part of its type, so that nobody syncs what needs no sync or frees as memory what
 * was only mapped (Hellwig 2018, D31).
 */
export type DmaMapping =
  | PageMapping
  | SgMapping
  | ResourceMapping
  | CoherentAllocation
  | PagesAllocation
  | NoncontiguousAllocation
  | IovaLink;

/** The bus address by which the kernel knows a mapping: its first. */
export const dmaAddressOf = (mapping: DmaMapping): number =>
  "dmaAddresses" in mapping ? (mapping.dmaAddresses[0] as number) : mapping.dmaAddress;
