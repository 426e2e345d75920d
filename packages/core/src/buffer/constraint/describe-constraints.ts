// SPDX-License-Identifier: MIT
import type { DmaConstraints } from "../../dma/dma-constraints.ts";

const words: Readonly<Record<keyof DmaConstraints, (constraints: DmaConstraints) => string | null>> = {
  maxSegmentSize: ({ maxSegmentSize: size }) =>
    size === Number.POSITIVE_INFINITY ? null : `segments of at most ${size} bytes`,
  segmentBoundaryMask: ({ segmentBoundaryMask: mask }) =>
    mask === Number.MAX_SAFE_INTEGER ? null : `none across a multiple of 0x${(mask + 1).toString(16)}`,
  maxSegmentCount: ({ maxSegmentCount: count }) =>
    count === Number.POSITIVE_INFINITY ? null : `at most ${count} ${count === 1 ? "segment" : "segments"}`,
  contiguous: ({ contiguous }) => (contiguous ? "contiguous memory" : null),
  needsPages: ({ needsPages }) => (needsPages ? "struct pages" : null),
  trustIds: ({ trustIds }) =>
    trustIds === null
      ? null
      : trustIds.length === 0
        ? "no private memory"
        : `private memory of ${trustIds.join(", ")} only`,
  preferredSegmentSize: ({ preferredSegmentSize: size }) =>
    size === 0 ? null : `better segments of ${size} bytes and more`,
};

/**
 * Constraints in words, without those that say nothing: `segments of at most 65536 bytes, none across a multiple of
 * 0x100000000`. @param fields which of them; default all
 */
export function describeConstraints(
  constraints: DmaConstraints,
  fields: readonly (keyof DmaConstraints)[] = Object.keys(words) as (keyof DmaConstraints)[],
): string {
  const said = fields.map((field) => words[field](constraints)).filter((text) => text !== null);
  return said.length === 0 ? "anything" : said.join(", ");
}
