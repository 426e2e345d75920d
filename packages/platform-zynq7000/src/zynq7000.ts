// SPDX-License-Identifier: MIT
import { armv7, pl310 } from "@dmabuf/arch-arm";
import { assemble, type BoardDescription, type Platform, type Plugin } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { functionfs } from "@dmabuf/importer-functionfs";
import { iio } from "@dmabuf/importer-iio";
import { zc702 } from "./zc702.ts";

/** What differs between Zynq-7000 machines besides their boards. */
export interface Zynq7000Options {
  /** Whether the PL310 is on; default yes. */
  readonly outerCache?: boolean;
}

/**
 * The plugins for a Zynq-7000 board: armv7 with a PL310, the exporters `udmabuf` and those of `heaps()`, FunctionFS for its USB
 * controllers, IIO for the ADCs and DACs in the fabric (devices named `adc...` or `dac...`). Every other device gets the
 * plain importer.
 */
export function zynq7000Plugins(
  { devices }: BoardDescription,
  { outerCache = true }: Zynq7000Options = {},
): readonly Plugin[] {
  const plugins = [armv7(outerCache ? { outer: pl310() } : {}), udmabuf(), heaps()];
  for (const [name, { class: deviceClass }] of Object.entries(devices)) {
    if (deviceClass === "usb") plugins.push(functionfs(name));
    else if (deviceClass === "dma" && name.startsWith("adc")) plugins.push(iio(name, { direction: "in" }));
    else if (deviceClass === "dma" && name.startsWith("dac")) plugins.push(iio(name, { direction: "out" }));
  }
  return plugins;
}

/** A Zynq-7000 machine; default the ZC702 with a data-acquisition design in its fabric. */
export const zynq7000 = (description: BoardDescription = zc702, options: Zynq7000Options = {}): Platform =>
  assemble(description, zynq7000Plugins(description, options));
