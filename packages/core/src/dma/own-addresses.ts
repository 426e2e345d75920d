// SPDX-License-Identifier: MIT
import type { DeviceTranslation } from "../iommu/translation.ts";

/**
 * How a device gets at a buffer by addresses of its own: through an MMU inside of it, which belongs to its driver and
 * stands in front of whatever its bus has (D23). What comes out of that are the bus addresses that the DMA API gave.
 */
export interface OwnAddresses {
  /** Where the buffer begins in the device's own address space. */
  readonly address: number;
  /** The MMU inside of the device. */
  readonly translation: DeviceTranslation;
  /** What the device does before the job: switches the address space, flushes (D24). Runs in atomic context. */
  readonly begin?: () => void;
}
