// SPDX-License-Identifier: MIT
import type { DmaConstraints } from "../../dma/dma-constraints.ts";
import { toBoundary } from "../../dma/scatterlist/segment-limits.ts";
import type { Extents } from "../../memory/extents.ts";
import { segmentCount } from "./conflict.ts";

/** What memory a buffer has. */
export interface BufferMemory {
  /** Physical ranges in buffer order. */
  readonly extents: Extents;
  /** Whether struct pages stand behind all of it (D19); default true. */
  readonly structPages?: boolean;
  /** The trust id of private memory, which only devices trusted with it may map (D20); default null, ordinary memory. */
  readonly trustId?: string | null;
}

/** A constraint that memory does not satisfy as it lies. */
export interface Violation {
  readonly constraint: keyof DmaConstraints;
  /** The range that breaks it, or null where it is the memory as a whole. */
  readonly entry: number | null;
  /** One line. */
  readonly reason: string;
}

/**
 * Which constraints memory breaks as it lies, one segment a range; none when it suits. What is only too long can still be cut:
 * see `scatterlistFor`. @param offset CPU physical address - bus address, for boundaries
 */
export function checkMemory(constraints: DmaConstraints, memory: BufferMemory, offset = 0): Violation[] {
  const { extents } = memory;
  const { maxSegmentSize, segmentBoundaryMask } = constraints;
  const violations = wholeMemory(constraints, memory);
  const most = segmentCount(constraints);
  if (extents.count > most) {
    violations.push({
      constraint: constraints.contiguous ? "contiguous" : "maxSegmentCount",
      entry: most,
      reason: `${extents.count} ranges, of at most ${most}`,
    });
  }
  for (let entry = 0; entry < extents.count; entry++) {
    const start = (extents.pairs[entry * 2] as number) - offset;
    const length = (extents.pairs[entry * 2 + 1] as number) - offset - start;
    if (length > maxSegmentSize) {
      const reason = `range ${entry} is of ${length} bytes, of at most ${maxSegmentSize}`;
      violations.push({ constraint: "maxSegmentSize", entry, reason });
    }
    if (length > toBoundary(start, segmentBoundaryMask)) {
      const window = `0x${(segmentBoundaryMask + 1).toString(16)}`;
      const reason = `range ${entry} at 0x${start.toString(16)} crosses a multiple of ${window}`;
      violations.push({ constraint: "segmentBoundaryMask", entry, reason });
    }
  }
  return violations;
}

/** What no way of listing the memory mends: pages that are not there, and trust. */
export function wholeMemory(
  { needsPages, trustIds }: DmaConstraints,
  { structPages = true, trustId = null }: BufferMemory,
): Violation[] {
  const violations: Violation[] = [];
  if (needsPages && !structPages) {
    violations.push({ constraint: "needsPages", entry: null, reason: "the memory has no struct pages" });
  }
  if (trustId !== null && trustIds !== null && !trustIds.includes(trustId)) {
    const reason = `the memory is private to ${trustId}`;
    violations.push({ constraint: "trustIds", entry: null, reason });
  }
  return violations;
}
