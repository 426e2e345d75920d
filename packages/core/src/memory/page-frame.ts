// SPDX-License-Identifier: MIT
import { PAGE_SIZE, type PhysAddr, physAddr } from "../address.ts";

/** The largest order that the page allocator serves: 2^10 pages, 4 MiB. @see MAX_PAGE_ORDER */
export const MAX_PAGE_ORDER = 10;

/** The number of the page frame that holds `address`. @see PHYS_PFN */
export const frameNumber = (address: PhysAddr): number => Math.floor(address / PAGE_SIZE);

/** The address of a page frame's first byte; throws `TypeError` for one that is not a frame number. @see PFN_PHYS */
export const frameAddress = (frame: number): PhysAddr => physAddr(frame * PAGE_SIZE);

/**
 * The smallest order whose 2^order pages hold `bytes`. Throws `TypeError` unless that is a whole number from 1:
 * the kernel leaves `get_order(0)` undefined.
 * @see get_order
 */
export function orderOf(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new TypeError(`no order for ${bytes} bytes`);
  let order = 0;
  while (PAGE_SIZE * 2 ** order < bytes) order++;
  return order;
}
