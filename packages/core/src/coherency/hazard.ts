// SPDX-License-Identifier: MIT
import type { PhysAddr } from "../address.ts";

/** What can go wrong at one operation, for some of its bytes. */
export interface Hazard {
  /**
   * `stale-read`: the access can observe an older value. `lost-write`: a stale line can be written back over the
   * newest value. `discarded-data`: an invalidate can drop the only copy of the newest value, and an access then reads
   * the byte before it is written again.
   */
  readonly code: "stale-read" | "lost-write" | "discarded-data";
  /** Index of the operation in the machine's log. */
  readonly step: number;
  /** For `discarded-data`, the step that reads what is gone; null for the others. */
  readonly readBy: number | null;
  /** Address of the first byte. */
  readonly address: PhysAddr;
  /** The bytes as flat pairs of start and end, ascending. */
  readonly ranges: Float64Array;
  /** How many bytes these are. */
  readonly bytes: number;
}
