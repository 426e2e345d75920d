// SPDX-License-Identifier: MIT
import { alignDown, PAGE_SIZE, type PhysAddr, physAddr } from "../../address.ts";
import type { DmaDirection } from "../direction.ts";
import { busLimit, type DmaWindow, physToDma } from "../dma-window.ts";
import { isUnalignedKmalloc, type KmallocAlignment } from "./kmalloc-size.ts";

/** What a device can address. Addresses are inclusive, on the bus; `Infinity` for a mask of all 64 bits. */
export interface DeviceReach {
  /** The highest address that the device can put on the bus. @see dev->dma_mask */
  readonly dmaMask: number;
  /** What its bus shows of memory. @see dev->dma_range_map, dev->bus_dma_limit */
  readonly windows: readonly DmaWindow[];
  /** Whether Linux takes the device to be coherent. */
  readonly coherent: boolean;
  /** Whether every mapping bounces: `swiotlb=force`, or a pool of the device's own (D-47). */
  readonly forced: boolean;
}

/** Why a mapping would bounce. */
export type BounceReason =
  | { readonly kind: "forced" }
  | {
      readonly kind: "beyond-limit";
      /** The limit that is too low, or `dma-ranges` for memory below or between what the bus has addresses for. */
      readonly limit: "dma-mask" | "bus-dma-limit" | "dma-ranges";
      /** The highest address that can be used, on the bus; for `dma-ranges` the lowest CPU address that has one there. */
      readonly bound: number;
      /** Address of the first page that cannot be reached to its end. */
      readonly page: PhysAddr;
    }
  | { readonly kind: "unaligned-kmalloc" }
  | { readonly kind: "untrusted" };

/** The range of a mapping as its caller gives it. */
export interface MappedRange {
  readonly start: PhysAddr;
  readonly size: number;
  readonly direction: DmaDirection;
}

/**
 * Why mapping a range directly would bounce, or null when it would not (D-20). Pure, so that an exporter can ask before it
 * allocates (D21): nothing is mapped. An entry of a scatterlist is asked about by itself, as it is mapped (D-23).
 *
 * @param kmalloc how small allocations lie, where the kernel bounces those that share a cache line; null where it does not.
 * @see dma_direct_map_page, dma_capable
 */
export function wouldBounce(
  reach: DeviceReach,
  { start, size, direction }: MappedRange,
  kmalloc: KmallocAlignment | null = null,
): BounceReason | null {
  if (reach.forced) return { kind: "forced" };
  const { dmaMask, windows, coherent } = reach;
  const kind = "beyond-limit";
  const bus = physToDma(windows, start, direction);
  if (bus === null) {
    const page = pageOf(start);
    if (windows.every(({ cpu, size }) => cpu + size <= start))
      return { kind, limit: "bus-dma-limit", bound: busLimit(windows), page };
    return { kind, limit: "dma-ranges", bound: Math.min(...windows.map(({ cpu }) => cpu)), page };
  }
  const bound = Math.min(dmaMask, busLimit(windows));
  if (bus + size - 1 > bound) {
    const page = pageOf(start + Math.max(0, bound + 1 - bus));
    return { kind, limit: bound < dmaMask ? "bus-dma-limit" : "dma-mask", bound, page };
  }
  return sharesLine(coherent, size, direction, kmalloc) ? { kind: "unaligned-kmalloc" } : null;
}

/** What decides behind an IOMMU, where every address can be reached. */
export interface TranslatedReach {
  readonly untrusted: boolean;
  /** Whether Linux takes the device to be coherent. */
  readonly coherent: boolean;
  /** The smallest page of the IOMMU's domain, in bytes. */
  readonly granule: number;
}

/**
 * The same behind an IOMMU (I-7): whole granules never bounce; of the rest, whatever an untrusted device is given, since it would
 * get what lies beside it as well, and small allocations of all devices. Neither reach nor force counts.
 * @see dev_use_swiotlb, iommu_dma_map_page
 */
export function wouldBounceTranslated(
  { untrusted, coherent, granule }: TranslatedReach,
  { start, size, direction }: MappedRange,
  kmalloc: KmallocAlignment | null = null,
): BounceReason | null {
  if (start % granule === 0 && size % granule === 0) return null;
  if (untrusted) return { kind: "untrusted" };
  return sharesLine(coherent, size, direction, kmalloc) ? { kind: "unaligned-kmalloc" } : null;
}

/** Whether a device that is not coherent may write into a line of which something else is part (D-22). */
const sharesLine = (
  coherent: boolean,
  size: number,
  direction: DmaDirection,
  kmalloc: KmallocAlignment | null,
): boolean => kmalloc !== null && !coherent && direction !== "to-device" && isUnalignedKmalloc(size, kmalloc);

const pageOf = (address: number): PhysAddr => physAddr(alignDown(address, PAGE_SIZE));
