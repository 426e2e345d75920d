// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, type BoardDescription, type Platform, type Plugin } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { drm } from "@dmabuf/importer-drm";
import { functionfs } from "@dmabuf/importer-functionfs";
import { iio } from "@dmabuf/importer-iio";
import { mmu500 } from "@dmabuf/iommu-smmu";
import { zcu102 } from "./zcu102.ts";

/**
 * The plugins for a Zynq UltraScale+ board: arm64, the exporters `udmabuf` and those of `heaps()`, FunctionFS for its USB
 * controllers, IIO for the ADCs and DACs in the fabric (devices named `adc...` or `dac...`), DRM for displays, which take
 * contiguous buffers only as the DisplayPort controller does, and for GPUs, and the MMU-500 where the board has it switched on.
 * Every other device gets the plain importer.
 */
export function zynqmpPlugins({ devices, iommus = {} }: BoardDescription): readonly Plugin[] {
  const plugins = [arm64(), udmabuf(), heaps()];
  for (const [name, { kind, enabled = true }] of Object.entries(iommus))
    if (kind === "mmu-500" && enabled) plugins.push(mmu500(name));
  for (const [name, { class: deviceClass }] of Object.entries(devices)) {
    if (deviceClass === "usb") plugins.push(functionfs(name));
    else if (deviceClass === "display") plugins.push(drm(name, { contiguous: true, pitchAlign: 256 }));
    else if (deviceClass === "gpu") plugins.push(drm(name));
    else if (deviceClass === "dma" && name.startsWith("adc")) plugins.push(iio(name, { direction: "in" }));
    else if (deviceClass === "dma" && name.startsWith("dac")) plugins.push(iio(name, { direction: "out" }));
  }
  return plugins;
}

/** A Zynq UltraScale+ machine; default the ZCU102 with a data-acquisition design in its fabric. */
export const zynqmp = (description: BoardDescription = zcu102): Platform =>
  assemble(description, zynqmpPlugins(description));
