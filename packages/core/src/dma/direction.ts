// SPDX-License-Identifier: MIT

/** `enum dma_data_direction`, seen from the device: it reads memory (`to-device`), writes it, or both. */
export type DmaDirection = "bidirectional" | "to-device" | "from-device";

/** The three directions in the kernel's numbering (`DMA_BIDIRECTIONAL` is 0), for trace fields. */
export const dmaDirections: readonly DmaDirection[] = ["bidirectional", "to-device", "from-device"];

/** The direction of a mapping through which a device reads, writes, or does both. */
export function directionOf(reads: boolean, writes: boolean): DmaDirection {
  if (reads && writes) return "bidirectional";
  return writes ? "from-device" : "to-device";
}

/** Whether the device may write through a mapping of this direction. */
export const deviceWrites = (direction: DmaDirection): boolean => direction !== "to-device";

/** A direction in the kernel's numbering, for trace fields. */
export const directionNumber = (direction: DmaDirection): number => dmaDirections.indexOf(direction);

/** Throws `TypeError` for what is no direction, which is a BUG in the kernel (D-2). */
export function checkDirection(direction: DmaDirection): void {
  if (!dmaDirections.includes(direction)) throw new TypeError(`not a DMA direction: ${direction}`);
}
