// SPDX-License-Identifier: MIT
import { Extents } from "../../memory/extents.ts";
import type { Simulation } from "../../sim/simulation.ts";
import type { DmaDevice } from "../dma-device.ts";
import { dmaToPhys } from "../dma-window.ts";
import type { Reached } from "./dma-backend.ts";
import { type BusStretch, type DeviceWork, translatedReach } from "./translated-reach.ts";

/**
 * The physical memory that a device gets at by bus address, mapped or not: through its IOMMU, else through the windows of
 * its bus. Empty when nothing answers.
 * @param own the way that its accesses take where nothing decides otherwise; default the device's
 */
export function reachAt(
  device: DmaDevice,
  stretch: BusStretch,
  work: DeviceWork,
  { trace, diagnostics }: Simulation,
  own = device.route,
): readonly Reached[] {
  const { translation, windows, name } = device;
  if (translation !== undefined && translation !== null)
    return translatedReach(device, [stretch], own, work, trace);
  const { address, length } = stretch;
  const phys = dmaToPhys(windows, address);
  if (phys !== null && dmaToPhys(windows, address + length - 1) === phys + length - 1)
    return [{ route: own, extents: Extents.of([phys, phys + length]) }];
  const range = `[0x${address.toString(16)}, 0x${(address + length).toString(16)})`;
  diagnostics.warn("X-23", `${work.kind} of ${name}`, `its bus shows no memory at ${range}`);
  return [];
}
