// SPDX-License-Identifier: MIT
import type { DmaConstraints } from "../../dma/dma-constraints.ts";
import { describeConstraints } from "./describe-constraints.ts";
import { intersect } from "./intersect.ts";

/** Who has constraints, by name. */
export interface Party {
  readonly name: string;
  readonly constraints: DmaConstraints;
}

/** Why no memory satisfies everybody. */
export interface Conflict {
  /** The least set of parties that cannot be satisfied: one, or two of which each could be without the other. */
  readonly parties: readonly [Party] | readonly [Party, Party];
  /** One line with the names of all of them. */
  readonly reason: string;
}

/** Most segments of a list: a need for contiguous memory is a need for one. */
export const segmentCount = ({ contiguous, maxSegmentCount }: DmaConstraints): number =>
  contiguous ? Math.min(1, maxSegmentCount) : maxSegmentCount;

/** Most bytes of a segment: a segment that crosses no boundary is no longer than their distance. */
const segmentSize = ({ maxSegmentSize, segmentBoundaryMask }: DmaConstraints): number =>
  Math.min(maxSegmentSize, segmentBoundaryMask + 1);

/** Most bytes of a buffer: what the segments hold together. */
export function capacity(constraints: DmaConstraints): number {
  const size = segmentSize(constraints);
  const count = segmentCount(constraints);
  // Infinitely many segments of nothing hold nothing.
  return size > 0 && count > 0 ? size * count : 0;
}

/** Whether some memory could satisfy the constraints for a buffer of `size` bytes (D12). */
export const satisfiable = (constraints: DmaConstraints, size: number): boolean =>
  capacity(constraints) >= size;

/**
 * Who keeps a buffer of `size` bytes from having memory that suits all, or null when nobody does. The same answer in
 * whatever order they are given. Every limit is one party's, and the two that matter multiply, so two are always enough.
 */
export function conflictOf(parties: readonly Party[], size: number): Conflict | null {
  const sorted = [...parties].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const alone = sorted.find(({ constraints }) => !satisfiable(constraints, size));
  if (alone !== undefined) {
    const { name, constraints } = alone;
    const takes = describeConstraints(constraints, [
      "maxSegmentCount",
      "contiguous",
      "maxSegmentSize",
      "segmentBoundaryMask",
    ]);
    const reason = `${name} takes ${takes}: ${holds(constraints, size)}`;
    return { parties: [alone], reason };
  }
  for (const [i, a] of sorted.entries()) {
    for (const b of sorted.slice(i + 1)) {
      const both = intersect(a.constraints, b.constraints);
      if (satisfiable(both, size)) continue;
      return { parties: [a, b], reason: `${factors(a, b)}: together ${holds(both, size)}` };
    }
  }
  return null;
}

/** `dac takes 4 segments, usb0 at most 4096 bytes in each`. */
function factors(a: Party, b: Party): string {
  const [few, short] = segmentCount(a.constraints) <= segmentCount(b.constraints) ? [a, b] : [b, a];
  const count = segmentCount(few.constraints);
  const size = segmentSize(short.constraints);
  return `${few.name} takes ${count} ${count === 1 ? "segment" : "segments"}, ${short.name} at most ${size} bytes in each`;
}

const holds = (constraints: DmaConstraints, size: number): string =>
  `${capacity(constraints)} bytes, and the buffer has ${size}`;
