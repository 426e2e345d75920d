// SPDX-License-Identifier: MIT
import { physAddr } from "../../address.ts";
import type { PhysicalMemory } from "../../memory/physical-memory.ts";
import type { BounceReason, MappedRange } from "../swiotlb/bounce-reason.ts";
import { maxMappingSize } from "../swiotlb/slot.ts";
import type { Swiotlb } from "../swiotlb/swiotlb.ts";
import { isRam } from "../swiotlb/take-slots.ts";
import type { EntryBounce, MapRequest } from "./dma-backend.ts";

/** An entry of a request, as it is asked about and mapped: by itself (D-23). */
export const rangeOf = ({ extents, direction }: MapRequest, entry: number): MappedRange => {
  const start = physAddr(extents.starts[entry] as number);
  return { start, size: (extents.ends[entry] as number) - start, direction };
};

/** The entries of a request that have a reason to bounce, and whether they could (D21). */
export function testEntries(
  request: MapRequest,
  swiotlb: Swiotlb,
  memory: PhysicalMemory,
  reasonOf: (range: MappedRange) => BounceReason | null,
): readonly EntryBounce[] {
  const { device, extents } = request;
  const found: EntryBounce[] = [];
  const largest = maxMappingSize(device.minAlignMask);
  for (let entry = 0; entry < extents.count; entry++) {
    const range = rangeOf(request, entry);
    const reason = reasonOf(range);
    if (reason === null) continue;
    const impossible =
      swiotlb.of(device) === null ? "no-pool" : isRam(request, range, memory) ? null : "not-ram";
    found.push({ entry, reason, refused: impossible ?? (range.size > largest ? "too-large" : null) });
  }
  return found;
}
