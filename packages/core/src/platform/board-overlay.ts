// SPDX-License-Identifier: MIT
import { InputError } from "../error.ts";
import { nearestName } from "../nearest-name.ts";
import {
  type BoardDescription,
  board,
  type DeviceDescription,
  type PoolDescription,
  type RamDescription,
} from "./board.ts";
import type { IommuDescription } from "./iommu-description.ts";
import type { SwiotlbDescription } from "./swiotlb-description.ts";

/** What an overlay changes: devices are added or their facts replaced, memory, pools and bounce buffers replaced as a whole. */
export interface BoardChanges {
  readonly devices?: Readonly<Record<string, Partial<DeviceDescription>>>;
  readonly memory?: readonly RamDescription[];
  readonly pools?: readonly PoolDescription[];
  readonly swiotlb?: SwiotlbDescription | false;
  /** IOMMUs that are added, or switched on and off. */
  readonly iommus?: Readonly<Record<string, IommuDescription>>;
}

/**
 * A board with changes laid over it. Throws `InputError` for a device that is new and lacks `class` or `coherent`, with
 * the nearest known name in case it was meant.
 */
export function overlaid(description: BoardDescription, changes: BoardChanges): BoardDescription {
  const devices: Record<string, DeviceDescription> = { ...description.devices };
  for (const [name, change] of Object.entries(changes.devices ?? {})) {
    const { class: deviceClass, coherent, ...rest } = { ...devices[name], ...change };
    if (deviceClass === undefined || coherent === undefined) {
      const missing = deviceClass === undefined ? "class" : "coherent";
      const hint = nearestName(name, Object.keys(description.devices));
      throw new InputError(
        `overlay: devices.${name}.${missing}`,
        `is missing, and the board has no "${name}"${hint}`,
      );
    }
    devices[name] = { class: deviceClass, coherent, ...rest };
  }
  const iommus: Record<string, IommuDescription> = { ...description.iommus };
  for (const [name, change] of Object.entries(changes.iommus ?? {}))
    iommus[name] = { ...iommus[name], ...change };
  const { memory = description.memory, pools = description.pools, swiotlb = description.swiotlb } = changes;
  return board({
    ...{ ...description, memory, devices },
    ...(pools === undefined ? {} : { pools }),
    ...(swiotlb === undefined ? {} : { swiotlb }),
    ...(Object.keys(iommus).length === 0 ? {} : { iommus }),
  });
}
