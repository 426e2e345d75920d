// SPDX-License-Identifier: MIT
import type { FaultCode } from "./fault-reason.ts";
import type { AddressWidth } from "./paging-levels.ts";

/** Which tables translate. */
export type Stage = "first-level" | "second-level";

/** What the entries of a device, or of a PASID of it, say that its requests go through. */
export interface AddressSpace {
  /** Null: untranslated (pass-through). */
  readonly stage: Stage | null;
  readonly domain: number;
  /** Of the entry used; requests without one have RID_PASID. Null in legacy mode. */
  readonly pasid: number | null;
  /** Where the root of the page tables is. */
  readonly pageTable: number;
  readonly width: AddressWidth;
  /** PGSNP: all accesses snoop. */
  readonly pageSnoop: boolean;
  /** Whether the device may keep translations. */
  readonly deviceTlb: boolean;
}

/** What a device's request meets first, before any page table. */
export interface Met {
  readonly space: AddressSpace | null;
  /** Why there is none. */
  readonly fault: FaultCode | null;
  /** Whether a fault of this request is recorded (FPD). */
  readonly recorded: boolean;
  /** What software left out, if the entries in memory say something else by now. */
  readonly missing: string | null;
}
