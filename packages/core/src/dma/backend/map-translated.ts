// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import type { DmaDirection } from "../direction.ts";
import type { DmaAttributes } from "../dma-attributes.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { DmaTranslation } from "../dma-translation.ts";
import type { IovaLimit } from "../iova/iova-domain.ts";
import type { MapRequest } from "./dma-backend.ts";
import { iommuProt } from "./mapping-prot.ts";

/** The IOMMU of a device that has one. */
export function translationOf({ iommu, name }: DmaDevice): DmaTranslation {
  if (iommu === undefined || iommu === null) throw new TypeError(`${name} is not behind an IOMMU`);
  return iommu;
}

/** How far its addresses go. */
export const limitOf = (device: DmaDevice): IovaLimit => translationOf(device).limit(device.masks.streaming);

/** What a device may do through a mapping (I-2). */
export function protOf({
  device,
  direction,
  attributes,
}: {
  readonly device: DmaDevice;
  readonly direction: DmaDirection;
  readonly attributes: DmaAttributes;
}): number {
  const { privileged = false, mmio = false } = attributes;
  return iommuProt(direction, { coherent: device.coherent, privileged, mmio });
}

/** Maps one physical range, at addresses of its own. Throws `KernelError` EIO when there are none. @see __iommu_dma_map */
export function mapTranslated(request: MapRequest, start: PhysAddr, size: number): DmaAddr {
  const { device, operation } = request;
  const { domain } = translationOf(device);
  const limit = limitOf(device);
  const address = domain.map(start, size, protOf(request), limit);
  if (address === null) {
    const reason = `${device.name}: no ${size} bytes of I/O virtual addresses up to 0x${limit.mask.toString(16)}`;
    throw new KernelError("EIO", operation, reason);
  }
  domain.table.syncMap?.(address, size);
  return address;
}
