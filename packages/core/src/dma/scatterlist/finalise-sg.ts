// SPDX-License-Identifier: MIT
import { DmaSegments } from "./dma-segments.ts";
import type { IovaLayout } from "./iova-layout.ts";
import { onBoundary, type SegmentLimits } from "./segment-limits.ts";
import type { SgTable } from "./sg-table.ts";

/**
 * The device's view of a scatterlist whose range of I/O virtual addresses begins at `iova` (I-8). An entry joins the
 * segment before it when that one ends where its granule ends, the entry begins a granule, not on a boundary, and both
 * together are no longer than the device takes. Entries over the bus stay by themselves. An entry that is too long by
 * itself stays as it is; what follows is then joined to it whatever it comes to, because the kernel subtracts without a
 * sign.
 * @see __finalise_sg
 */
export function finaliseSg(
  { addresses, lengths, origNents }: SgTable,
  { starts, granule, bus }: IovaLayout,
  iova: number,
  { maxSegmentSize, segmentBoundaryMask }: SegmentLimits,
): DmaSegments {
  const low = granule - 1;
  // Lengths are 32 bits wide, so no limit beyond them is one.
  const longest = Math.min(maxSegmentSize, 0xffff_ffff);
  const dmaAddresses = new Float64Array(origNents);
  const dmaLengths = new Uint32Array(origNents);
  const busSegments = new Set<number>();
  let count = 0;
  // Length of the segment that may grow; 0 when none may.
  let growing = 0;
  for (let i = 0; i < origNents; i++) {
    const length = lengths[i] as number;
    const direct = bus.size > 0 ? bus.get(i) : undefined;
    if (direct !== undefined) {
      busSegments.add(count);
      dmaAddresses[count] = direct;
      dmaLengths[count++] = length;
      growing = 0;
      continue;
    }
    const start = starts[i] as number;
    const offset = (addresses[i] as number) & low;
    const at = iova + start;
    if (
      growing > 0 &&
      offset === 0 &&
      (longest - growing) >>> 0 >= length &&
      !onBoundary(at, segmentBoundaryMask)
    ) {
      growing = (growing + length) >>> 0;
    } else {
      dmaAddresses[count++] = at + offset;
      growing = length;
    }
    dmaLengths[count - 1] = growing;
    if (offset + length < (starts[i + 1] as number) - start) growing = 0;
  }
  // Where nothing was joined, the segments are as long as the entries, and one array does for both.
  if (count === origNents) return new DmaSegments(dmaAddresses, lengths, busSegments);
  return new DmaSegments(dmaAddresses.slice(0, count), dmaLengths.slice(0, count), busSegments);
}
