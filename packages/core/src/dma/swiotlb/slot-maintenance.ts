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
  for (const { kind, domain, extents } of operations) {
    const view = viewName(domain, device);
    if (!has(view)) continue;
    const pairs: number[] = [];
    for (let i = 0; i < extents.pairs.length; i += 2) {
      for (const bounce of bounces) {
        const low = Math.max(extents.pairs[i] as number, bounce.address);
        const high = Math.min(extents.pairs[i + 1] as number, bounce.address + bounce.size);
        if (low < high) pairs.push(bounce.originalOf(low), bounce.originalOf(low) + high - low);
      }
    }
    if (pairs.length > 0) moved.push({ kind, domain: view, extents: new Extents(Float64Array.from(pairs)) });
  }
  return moved;
}
