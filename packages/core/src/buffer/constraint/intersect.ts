// SPDX-License-Identifier: MIT
import { type DmaConstraints, unconstrained } from "../../dma/dma-constraints.ts";

/**
 * What two can take together (D10, PR-10): the smaller limit of each kind, and every need of either. Associative,
 * commutative and idempotent, and `unconstrained` changes nothing, so that neither the order of attaching nor who attached
 * twice matters. Masks are 2^n - 1, of which the smaller is the bitwise and.
 */
export function intersect(a: DmaConstraints, b: DmaConstraints): DmaConstraints {
  return {
    maxSegmentSize: Math.min(a.maxSegmentSize, b.maxSegmentSize),
    segmentBoundaryMask: Math.min(a.segmentBoundaryMask, b.segmentBoundaryMask),
    maxSegmentCount: Math.min(a.maxSegmentCount, b.maxSegmentCount),
    contiguous: a.contiguous || b.contiguous,
    needsPages: a.needsPages || b.needsPages,
    trustIds: bothTrust(a.trustIds, b.trustIds),
    preferredSegmentSize: Math.max(a.preferredSegmentSize, b.preferredSegmentSize),
  };
}

/** What all can take together; `unconstrained` for nobody. */
export const intersectAll = (all: Iterable<DmaConstraints>): DmaConstraints =>
  [...all].reduce(intersect, unconstrained);

function bothTrust(a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null {
  if (a === null) return b;
  if (b === null) return a;
  return a.filter((id) => b.includes(id));
}

/** The limits and needs, wishes aside, of which `b` asks more than `a`. */
export function stricterIn(a: DmaConstraints, b: DmaConstraints): (keyof DmaConstraints)[] {
  const both = intersect(a, b);
  const fields: (keyof DmaConstraints)[] = [
    "maxSegmentSize",
    "segmentBoundaryMask",
    "maxSegmentCount",
    "contiguous",
    "needsPages",
  ];
  const stricter = fields.filter((field) => both[field] !== a[field]);
  return both.trustIds?.join() === a.trustIds?.join() ? stricter : [...stricter, "trustIds"];
}
