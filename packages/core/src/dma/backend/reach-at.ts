// SPDX-License-Identifier: MIT
import { Extents } from "../../memory/extents.ts";
import type { Simulation } from "../../sim/simulation.ts";
import type { DmaDevice } from "../dma-device.ts";
import { dmaToPhys } from "../dma-window.ts";
import { type BusStretch, type DeviceWork, translatedReach } from "./translated-reach.ts";

/**
 * The physical memory that a device gets at by bus address, mapped or not: through its IOMMU, else through the windows of
 * its bus. Null when nothing answers.
 */
export function reachAt(
  device: DmaDevice,
  stretch: BusStretch,
  work: DeviceWork,
  { trace, diagnostics }: Simulation,
): Extents | null {
  const { iommu, windows, name } = device;
  if (iommu !== undefined && iommu !== null)
    return translatedReach(device, iommu.domain.table, [stretch], work, trace);
  const { address, length } = stretch;
  const phys = dmaToPhys(windows, address);
  if (phys !== null && dmaToPhys(windows, address + length - 1) === phys + length - 1)
    return Extents.of([phys, phys + length]);
  const range = `[0x${address.toString(16)}, 0x${(address + length).toString(16)})`;
  diagnostics.warn("X-23", `${work.kind} of ${name}`, `its bus shows no memory at ${range}`);
  return null;
}
