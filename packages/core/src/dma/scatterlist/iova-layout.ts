// SPDX-License-Identifier: MIT
import { toBoundary } from "./segment-limits.ts";
import type { SgTable } from "./sg-table.ts";

/** What the place of a scatterlist in a range of I/O virtual addresses depends on. */
export interface IovaLayoutOptions {
  /** The smallest page of the IOMMU's domain, 2^n bytes, at most 2^30. */
  readonly granule: number;
  /** @see SegmentLimits */
  readonly segmentBoundaryMask: number;
  /** Entries that go over the bus without the IOMMU, with their bus addresses (D-24); default none. */
  readonly bus?: ReadonlyMap<number, number>;
}

/** Where each entry of a scatterlist lies in one range of I/O virtual addresses. */
export interface IovaLayout {
  /** Bytes of the range, whole granules; 0 when every entry goes over the bus. */
  readonly bytes: number;
  /**
   * Offset in the range of each entry's first granule, and `bytes` behind the last. What is between an entry's offset and the
   * next is the entry and its padding.
   */
  readonly starts: Float64Array;
  readonly granule: number;
  readonly bus: ReadonlyMap<number, number>;
}

/** A stretch of the range and the memory behind it, whole granules of both: what the IOMMU is told to map. */
export interface IovaPiece {
  /** First byte in the range. */
  readonly offset: number;
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

const NONE: ReadonlyMap<number, number> = new Map();

/**
 * Lays a scatterlist out in one range of I/O virtual addresses (I-8): every entry from its granule on, in whole granules; an
 * entry that would cross a boundary begins on it, and what is left before belongs to its predecessor. Relies on a range
 * that is aligned to its size, as the kernel's are. Throws `TypeError` for a granule that is not 2^n.
 * @see iommu_dma_map_sg
 */
export function iovaLayout(
  { addresses, lengths, origNents }: SgTable,
  options: IovaLayoutOptions,
): IovaLayout {
  const { granule, segmentBoundaryMask, bus = NONE } = options;
  if (!(granule >= 2 && granule <= 2 ** 30 && (granule & (granule - 1)) === 0)) {
    throw new TypeError(`a granule of ${granule} bytes is not a power of two`);
  }
  const low = granule - 1;
  const starts = new Float64Array(origNents + 1);
  let at = 0;
  // Bytes to the next boundary; a whole window on one.
  let room = segmentBoundaryMask + 1;
  for (let i = 0; i < origNents; i++) {
    if (bus.size > 0 && bus.has(i)) {
      starts[i] = at;
      continue;
    }
    const end = ((addresses[i] as number) & low) + (lengths[i] as number);
    const over = end & low;
    const needed = over === 0 ? end : end + granule - over;
    if (room <= segmentBoundaryMask && room < needed) {
      at += room;
      room = segmentBoundaryMask + 1;
    }
    starts[i] = at;
    at += needed;
    room -= needed;
    if (room <= 0) room = toBoundary(at, segmentBoundaryMask);
  }
  starts[origNents] = at;
  return { bytes: at, starts, granule, bus };
}

/**
 * What the IOMMU maps, entry by entry. Padding is mapped too, to the memory that follows the entry: a device that goes past
 * its segment there reaches its neighbour, as with the kernel's mapping.
 */
export function* iovaPieces(
  { addresses, origNents }: SgTable,
  { starts, granule, bus }: IovaLayout,
): Generator<IovaPiece, void, undefined> {
  for (let i = 0; i < origNents; i++) {
    if (bus.has(i)) continue;
    const offset = starts[i] as number;
    const address = addresses[i] as number;
    yield {
      offset,
      address: address - (address & (granule - 1)),
      length: (starts[i + 1] as number) - offset,
    };
  }
}
