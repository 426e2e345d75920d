// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";

/**
 * What stands behind a range of physical addresses:
 * - `ram`: memory that Linux manages, with struct pages and in the linear map;
 * - `no-map`: a carve-out that Linux is told to leave alone (`no-map` in reserved-memory): neither of the two;
 * - `device`: memory on a device, such as VRAM behind a BAR; each of the two as the driver registered it;
 * - `mmio`: registers and windows: neither.
 */
export type RegionKind = "ram" | "no-map" | "device" | "mmio";

/** A range of physical addresses with one kind of memory behind it. */
export interface Region {
  /** As in `/proc/iomem`: `System RAM`, or the name it was declared with. */
  readonly name: string;
  readonly base: PhysAddr;
  /** Length in bytes, a multiple of the page size. */
  readonly size: number;
  readonly kind: RegionKind;
  /** Whether its pages have a struct page, so that they can be in a scatterlist, be pinned and be counted. */
  readonly structPages: boolean;
  /** Whether it has a cacheable alias in the kernel's linear map, through which a CPU may fill lines by speculation. */
  readonly linearMap: boolean;
}

/** The address range of a region for a message: `[0x40000000, 0x80000000)`. */
export const formatRange = (start: number, end: number): string =>
  `[0x${start.toString(16)}, 0x${end.toString(16)})`;
