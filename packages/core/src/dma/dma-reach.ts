// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaDevice } from "./dma-device.ts";
import { busLimit, type DmaWindow, physToDma } from "./dma-window.ts";

/** Highest bus address that the device reaches with a mask, inclusive. @see dma_capable */
const reachOf = ({ windows }: DmaDevice, mask: number): number => Math.min(mask, busLimit(windows));

/**
 * The bus address of a physical range, or null when the device does not reach all of it: no window shows its beginning, or
 * it ends beyond the mask or the last window (D-14, D-15).
 */
export function capable(
  device: DmaDevice,
  start: number,
  end: number,
  direction: DmaDirection,
  mask: number,
): number | null {
  const bus = physToDma(device.windows, start, direction);
  return bus !== null && bus + (end - start) - 1 <= reachOf(device, mask) ? bus : null;
}

/** Whether a device reaches every byte of some memory, both ways. @see dma_addressing_limited */
export const reachesAll = (
  { windows }: Pick<DmaDevice, "windows">,
  { starts, ends }: Pick<Extents, "starts" | "ends">,
  mask: number,
): boolean => starts.every((start, i) => covers(windows, start, ends[i] as number, mask));

/** Whether windows show all of a range below a mask, which several of them may do together. */
function covers(windows: readonly DmaWindow[], start: number, end: number, mask: number): boolean {
  for (let at = start; at < end; ) {
    const window = windows.find(
      ({ cpu, bus, size, only }) =>
        only === undefined && at >= cpu && at < cpu + Math.min(size, mask + 1 - bus),
    );
    if (window === undefined) return false;
    at = window.cpu + Math.min(window.size, mask + 1 - window.bus);
  }
  return true;
}

/** Why a device does not reach a physical range: what `capable` found, in a line. */
export function unreachable(
  device: DmaDevice,
  start: number,
  end: number,
  operation: string,
  mask: number,
): KernelError {
  const { windows, name } = device;
  const ranges = windows
    .map(({ cpu, bus, size, only }) => {
      const stop = Math.min(size, reachOf(device, mask) + 1 - bus) + cpu;
      const way = only === undefined ? "" : ` to ${only} it`;
      return Number.isFinite(stop) && stop < 2 ** 53
        ? `[${hex(cpu)}, ${hex(stop)})${way}`
        : `from ${hex(cpu)}${way}`;
    })
    .join(" and ");
  return new KernelError(
    "EIO",
    operation,
    `${name} cannot reach [${hex(start)}, ${hex(end)}): it reaches ${ranges}`,
  );
}

const hex = (value: number): string => `0x${value.toString(16)}`;
