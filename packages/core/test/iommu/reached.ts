// SPDX-License-Identifier: MIT
import { IommuProt } from "../../src/iommu/iommu-prot.ts";
import type { DeviceTranslation } from "../../src/iommu/translation.ts";

/** Where an access gets to, or null when it is refused. */
export function reached(through: DeviceTranslation, address: number, access: number): number | null {
  const answer = through.translate(address, access);
  return answer.fault === null ? answer.address : null;
}

/** Whether an access gets through on what the tables do not say any more. */
export const isStale = (through: DeviceTranslation, address: number): boolean =>
  through.translate(address, IommuProt.PRIV).missing !== null;
