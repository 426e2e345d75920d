// SPDX-License-Identifier: MIT
import { Extents } from "../../memory/extents.ts";
import type { CacheMaintenance } from "../arch.ts";
import type { Bounce } from "./bounce.ts";
import { viewName } from "./bounce-domain-spec.ts";

/**
 * Maintenance of a bounce buffer's lines, as an architecture asks for it at the buffer's own addresses, in the terms of the
 * engine: of the domains that stand for the CPU's caches over the slot, at the addresses of the originals. Lines of the
 * slot are taken to end where those of the original do, which they do when the two addresses agree in the bits of a line.
 *
 * @param has whether the system has a domain; where the CPU and the device see one thing, there is nothing to maintain.
 */
export function onOriginals(
  operations: readonly CacheMaintenance[],
  bounces: readonly Bounce[],
  device: string,
  has: (domain: string) => boolean,
): CacheMaintenance[] {
  const moved: CacheMaintenance[] = [];
  const sorted = [...bounces].sort((a, b) => a.address - b.address);
  for (const { kind, domain, extents } of operations) {
    const view = viewName(domain, device);
    if (!has(view)) continue;
    const pairs: number[] = [];
    for (let i = 0; i < extents.pairs.length; i += 2) {
      const [start, end] = [extents.pairs[i] as number, extents.pairs[i + 1] as number];
      for (let at = firstPast(sorted, start); at < sorted.length; at++) {
        const bounce = sorted[at] as Bounce;
        if (bounce.address >= end) break;
        const low = Math.max(start, bounce.address);
        const high = Math.min(end, bounce.address + bounce.size);
        pairs.push(bounce.originalOf(low), bounce.originalOf(low) + high - low);
      }
    }
    if (pairs.length > 0) moved.push({ kind, domain: view, extents: new Extents(Float64Array.from(pairs)) });
  }
  return moved;
}

/** Index of the first of sorted bounce buffers that ends past an address. */
function firstPast(sorted: readonly Bounce[], address: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { address: start, size } = sorted[middle] as Bounce;
    if (start + size > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
