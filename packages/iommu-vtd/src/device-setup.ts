// SPDX-License-Identifier: MIT
import type { DeviceEntries } from "./device-entries.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import type { VtdDomain } from "./vtd-domain.ts";
import type { VtdSettings } from "./vtd-options.ts";

/** A device, or a PASID of it, that gets a domain. */
export interface DeviceDomain {
  readonly source: number;
  /** Undefined for requests that carry none. */
  readonly pasid: number | undefined;
  readonly domain: VtdDomain | "identity";
  /** Its id. */
  readonly id: number;
  /** Whether the device keeps translations. */
  readonly deviceTlb: boolean;
}

/** How the driver tells hardware what a device goes through, which differs by mode. */
export interface DeviceSetup {
  /** Writes the entries of a device that has none. */
  set(device: DeviceDomain): void;
  /** Takes them away, and has everybody forget them. */
  clear(source: number, pasid: number | undefined, deviceTlb: boolean): void;
}

/** What a setup works with. */
export interface SetupHands {
  readonly entries: DeviceEntries;
  readonly settings: VtdSettings;
  /** Queues descriptors and waits for them. */
  readonly submit: (descriptors: readonly Descriptor[]) => void;
}
