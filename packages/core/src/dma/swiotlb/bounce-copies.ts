// SPDX-License-Identifier: MIT
import type { DmaDirection } from "../direction.ts";

/** When a mapping may be copied. */
export type BounceEvent = "map" | "sync-for-device" | "sync-for-cpu" | "unmap";

/** Which way: `in` from the original to the bounce buffer, `out` back, null for not at all. */
export type BounceCopy = "in" | "out" | null;

/**
 * The copy that an event calls for. Mapping copies in for every direction, so that what a device leaves unwritten survives
 * the copy back, and `DMA_ATTR_SKIP_CPU_SYNC` does not stop it (D-42, D-43, D-11). A sync is called without attributes;
 * its direction is the one that its caller gives.
 * @see swiotlb_tbl_map_single, swiotlb_tbl_unmap_single, swiotlb_sync_single_for_device
 */
export function copiesFor(event: BounceEvent, direction: DmaDirection, skipCpuSync = false): BounceCopy {
  if (event === "map") return "in";
  if (event === "sync-for-device") return direction === "from-device" ? null : "in";
  if (direction === "to-device" || (event === "unmap" && skipCpuSync)) return null;
  return "out";
}
