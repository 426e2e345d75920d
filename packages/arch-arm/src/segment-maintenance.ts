// SPDX-License-Identifier: MIT
import type { CacheMaintenance, Extents } from "@dmabuf/core";
import type { MaintenanceKind } from "@dmabuf/core/coherency";
import type { RangeMaintenance } from "./dcache-range.ts";

/** What one cache is asked for: what whole lines get, and what a segment gets that has parts of lines. */
export interface CacheRequest {
  readonly domain: string;
  readonly line: number;
  readonly kind: MaintenanceKind;
  readonly ofSegment: RangeMaintenance;
}

/**
 * The maintenance of a scatterlist in the order of the caches given: segment by segment, each through all caches before the
 * next one, as the kernel's loop goes. Where all is made of whole lines no segment touches another's, and the list can go
 * through one cache after the other at once.
 */
export function maintainSegments(
  extents: Extents,
  caches: readonly CacheRequest[],
): readonly CacheMaintenance[] {
  if (caches.every(({ line }) => extents.isAligned(line))) {
    return caches.map(({ kind, domain }) => ({ kind, domain, extents }));
  }
  const { pairs } = extents;
  const operations: CacheMaintenance[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    for (const { domain, line, ofSegment } of caches) {
      operations.push(...ofSegment(pairs[i] as number, pairs[i + 1] as number, line, domain));
    }
  }
  return operations;
}
