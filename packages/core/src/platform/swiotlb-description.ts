// SPDX-License-Identifier: MIT
import { parseSize, type Size } from "../address.ts";
import type { KmallocAlignment } from "../dma/swiotlb/kmalloc-size.ts";
import { SEGMENT_SLOTS, SLOT_SIZE } from "../dma/swiotlb/slot.ts";
import { nearestName } from "../nearest-name.ts";
import type { BoardDescription, DeviceDescription } from "./board.ts";

type Fail = (field: string, reason: string) => never;

/** How the board bounces what a device cannot reach. */
export interface SwiotlbDescription {
  /**
   * Bytes of the common pool, rounded up to a power of two and 256 KiB. Default 64 MiB, halved while that is more than a quarter
   * of the low memory that is free. @see swiotlb=
   */
  readonly size?: Size;
  /** Whether all mappings of all devices bounce; default no. @see swiotlb=force */
  readonly force?: boolean;
  /**
   * How small allocations lie, where the kernel bounces those that share a cache line (D-22). Default: it does not. Every
   * device that is not coherent can bounce then. @see CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC
   */
  readonly kmalloc?: KmallocAlignment;
}

/** Checks what a board says of bounce buffers; `fail` throws. */
export function demandSwiotlb(board: BoardDescription, fail: Fail): void {
  const { model, swiotlb, devices, pools = [] } = board;
  pools.forEach(({ kind, size }, i) => {
    const bytes = parseSize(size, `board "${model}": pools[${i}].size`);
    if (kind === "restricted" && !isPoolSize(bytes))
      fail(`pools[${i}].size`, `a restricted pool has a power of two of bytes, 256 KiB or more, not ${size}`);
  });
  if (swiotlb !== undefined && swiotlb !== false && swiotlb.size !== undefined) {
    if (parseSize(swiotlb.size, `board "${model}": swiotlb.size`) === 0)
      fail("swiotlb.size", "a pool of 0 bytes holds nothing; write swiotlb: false");
  }
  for (const name of Object.keys(devices)) demandBounceable(name, board, fail);
}

/** Whether a pool of bounce buffers can have so many bytes: a power of two, and a segment at least. */
export const isPoolSize = (bytes: number): boolean =>
  bytes >= SEGMENT_SLOTS * SLOT_SIZE && Number.isInteger(Math.log2(bytes));

/** What a device says of bounce buffers must be there. */
function demandBounceable(name: string, { devices, pools = [] }: BoardDescription, fail: Fail): void {
  const { restrictedPool, minAlignMask = 0 } = devices[name] as DeviceDescription;
  if (!(Number.isInteger(Math.log2(minAlignMask + 1)) && minAlignMask < 2 ** 32))
    fail(`devices.${name}.minAlignMask`, `${minAlignMask} is not a power of two less 1, as 4095 is`);
  if (restrictedPool === undefined) return;
  const known = pools.filter(({ kind }) => kind === "restricted").map((pool) => pool.name as string);
  if (!known.includes(restrictedPool))
    fail(
      `devices.${name}.restrictedPool`,
      `no restricted pool "${restrictedPool}"${nearestName(restrictedPool, known)}`,
    );
}
