// SPDX-License-Identifier: MIT
import { parseSize } from "../address.ts";
import { type DmaConstraints, dmaConstraints } from "../dma/dma-constraints.ts";
import { isBoundaryMask } from "../dma/scatterlist/segment-limits.ts";
import { InputError } from "../error.ts";
import type { DeviceDescription } from "./board.ts";

/**
 * What a device of a board asks of a buffer's memory. Throws `InputError` with the field for a size or count of 0, or a
 * mask that is not 2^n - 1. @param place `board "model": devices.name`, for messages
 */
export function deviceConstraints(description: DeviceDescription, place: string): DmaConstraints {
  const { maxSegmentSize, segmentBoundaryMask, maxSegmentCount, contiguous, needsPages } = description;
  const { trustId, preferredSegmentSize } = description;
  const size = (value: string | number, field: string): number => {
    const bytes = parseSize(value, `${place}.${field}`);
    if (bytes > 0) return bytes;
    throw new InputError(`${place}.${field}`, "segments of 0 bytes hold nothing");
  };
  if (segmentBoundaryMask !== undefined && !isBoundaryMask(segmentBoundaryMask)) {
    throw new InputError(
      `${place}.segmentBoundaryMask`,
      `${segmentBoundaryMask} is not a power of two less 1, as 0xffffffff is`,
    );
  }
  if (maxSegmentCount !== undefined && !(Number.isInteger(maxSegmentCount) && maxSegmentCount > 0)) {
    throw new InputError(`${place}.maxSegmentCount`, `${maxSegmentCount} is not a whole number from 1 on`);
  }
  if (trustId === "") throw new InputError(`${place}.trustId`, "a trust id needs a name");
  return dmaConstraints({
    ...(maxSegmentSize === undefined ? {} : { maxSegmentSize: size(maxSegmentSize, "maxSegmentSize") }),
    ...(segmentBoundaryMask === undefined ? {} : { segmentBoundaryMask }),
    ...(maxSegmentCount === undefined ? {} : { maxSegmentCount }),
    ...(contiguous === undefined ? {} : { contiguous }),
    ...(needsPages === undefined ? {} : { needsPages }),
    ...(trustId === undefined ? {} : { trustId }),
    ...(preferredSegmentSize === undefined
      ? {}
      : { preferredSegmentSize: size(preferredSegmentSize, "preferredSegmentSize") }),
  });
}
