// SPDX-License-Identifier: MIT
import type { DmaDirection } from "./direction.ts";

/** A part of the physical address space as a device sees it: one entry of `dma-ranges` (D-15). */
export interface DmaWindow {
  /** First physical address. */
  readonly cpu: number;
  /** The address at which the device sees it. */
  readonly bus: number;
  /** Bytes. */
  readonly size: number;
  /** The only thing that the device can do through it; left out where it can do both. */
  readonly only?: "read" | "write";
}

/** Everything at its own address: what a bus without `dma-ranges` shows. */
export const identityWindows: readonly DmaWindow[] = [{ cpu: 0, bus: 0, size: Number.POSITIVE_INFINITY }];

const lets = ({ only }: DmaWindow, direction: DmaDirection): boolean =>
  only === undefined || direction === (only === "read" ? "to-device" : "from-device");

/**
 * The bus address of a physical address: the first window that holds it and lets the direction through decides. Null where
 * none does. @see phys_to_dma
 */
export function physToDma(
  windows: readonly DmaWindow[],
  phys: number,
  direction: DmaDirection,
): number | null {
  const window = windows.find(
    (each) => phys >= each.cpu && phys - each.cpu < each.size && lets(each, direction),
  );
  return window === undefined ? null : phys - window.cpu + window.bus;
}

/** The physical address behind a bus address, or null. @see dma_to_phys */
export function dmaToPhys(windows: readonly DmaWindow[], bus: number): number | null {
  const window = windows.find((each) => bus >= each.bus && bus - each.bus < each.size);
  return window === undefined ? null : bus - window.bus + window.cpu;
}

/** Highest bus address of any window, inclusive; infinite for a bus that shows everything. @see bus_dma_limit */
export const busLimit = (windows: readonly DmaWindow[]): number =>
  Math.max(...windows.map(({ bus, size }) => bus + size - 1));
