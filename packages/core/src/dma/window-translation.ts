// SPDX-License-Identifier: MIT
import { type DeviceTranslation, refused, type Translation } from "../iommu/translation.ts";
import type { DmaWindow } from "./dma-window.ts";

/** A bus that shows memory at addresses of its own (`dma-ranges`, D-15), as the last stage of what a device goes through. */
export class WindowTranslation implements DeviceTranslation {
  readonly #windows: readonly DmaWindow[];

  constructor(windows: readonly DmaWindow[]) {
    this.#windows = windows;
  }

  translate(address: number): Translation {
    const window = this.#windows.find(({ bus, size }) => address >= bus && address - bus < size);
    if (window === undefined) return refused("its bus shows no memory there", address);
    const { cpu, bus, size } = window;
    return { fault: null, address: address - bus + cpu, end: bus + size, snooping: "device", missing: null };
  }
}
