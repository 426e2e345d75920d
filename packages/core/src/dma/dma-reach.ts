// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaDevice } from "./dma-device.ts";
import { busLimit, physToDma } from "./dma-window.ts";

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
