// SPDX-License-Identifier: MIT
import type { ArmSmmuCdtab } from "./arm-smmu-cdtab.ts";
import type { ArmSmmuDomain } from "./arm-smmu-domain.ts";
import type { AtsDevice } from "./ats-device.ts";

/** What transactions without a substream go through. */
export type RidDomain = ArmSmmuDomain | "identity" | "blocked";

/** A device, or a group of them, as the driver knows it. @see struct arm_smmu_master */
export interface ArmSmmuMaster {
  readonly streamIds: readonly number[];
  /** ATCs of its streams, where it has any. */
  readonly ats: readonly AtsDevice[];
  /** Its context descriptors, once a stage 1 was attached. */
  cdtab: ArmSmmuCdtab | null;
  domain: RidDomain;
  /** Domains by substream. */
  readonly substreams: Map<number, ArmSmmuDomain>;
}
