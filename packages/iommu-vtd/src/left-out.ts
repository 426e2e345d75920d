// SPDX-License-Identifier: MIT
import { descriptorText } from "./descriptor-text.ts";
import type { Descriptor, PageBlock } from "./invalidation-descriptor.ts";
import { blockSize } from "./page-block.ts";

/**
 * What software has left out when hardware still works with what these invalidations would have dropped: those that it has not
 * queued, and the wait that makes them complete; the wait alone where it has queued them all.
 */
export function leftOut(wanted: readonly Descriptor[], queued: readonly Descriptor[]): string {
  const missing = wanted.filter((one) => !queued.some((other) => covers(other, one)));
  if (missing.length > 0) return `${missing.map(descriptorText).join(", ")}, inv_wait_dsc`;
  return `inv_wait_dsc after ${wanted.map(descriptorText).join(", ")}`;
}

/** Whether an invalidation does what another one would do. */
function covers(queued: Descriptor, wanted: Descriptor): boolean {
  if (queued.kind === "cc_inv_dsc" && wanted.kind === "cc_inv_dsc") {
    if (queued.granularity === "selective") return queued.source === wanted.source;
    return queued.granularity === "global" || queued.domain === wanted.domain;
  }
  if (queued.kind === "pc_inv_dsc" && wanted.kind === "pc_inv_dsc") {
    if (queued.granularity === "global") return true;
    if (queued.domain !== wanted.domain) return false;
    return queued.granularity === "domain" || queued.pasid === wanted.pasid;
  }
  if (queued.kind === "iotlb_inv_dsc" && wanted.kind === "iotlb_inv_dsc") {
    if (queued.granularity === "global") return true;
    if (queued.domain !== wanted.domain) return false;
    if (queued.granularity === "domain") return true;
    return overlap(queued.block, wanted.block) && (wanted.leafOnly || !queued.leafOnly);
  }
  if (queued.kind === "p_iotlb_inv_dsc" && wanted.kind === "p_iotlb_inv_dsc") {
    if (queued.domain !== wanted.domain || queued.pasid !== wanted.pasid) return false;
    if (queued.block === null) return true;
    return overlap(queued.block, wanted.block) && (wanted.leafOnly || !queued.leafOnly);
  }
  if (queued.kind === "dev_tlb_inv_dsc" && wanted.kind === "dev_tlb_inv_dsc")
    return queued.source === wanted.source && overlap(queued.block, wanted.block);
  if (queued.kind === "p_dev_tlb_inv_dsc" && wanted.kind === "p_dev_tlb_inv_dsc") {
    const same = queued.source === wanted.source && queued.pasid === wanted.pasid;
    return same && overlap(queued.block, wanted.block);
  }
  return false;
}

/** Whether two blocks have a page in common; null is everything. */
const overlap = (a: PageBlock | null, b: PageBlock | null): boolean =>
  a === null || b === null || (a.address < b.address + blockSize(b) && b.address < a.address + blockSize(a));
