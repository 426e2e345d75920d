// SPDX-License-Identifier: MIT
import { alignUp, type CpuAddr, PAGE_SIZE, type PhysAddr } from "../address.ts";
import { Extents } from "../memory/extents.ts";
import type { VirtualCache } from "./arch.ts";

/**
 * What the domains of a virtually indexed cache hold of a range of virtual memory: for each domain its part of the
 * physical ranges, in order.
 * @param address virtual address of the first byte
 */
export function byDomain(extents: Extents, address: number, cache: VirtualCache): Map<string, Extents> {
  const parts = new Map<string, [number, number][]>();
  let virtual = address;
  for (let i = 0; i < extents.count; i++) {
    const end = extents.ends[i] as number;
    for (let at = extents.starts[i] as number; at < end; ) {
      const stop = Math.min(end, alignUp(at + 1, PAGE_SIZE));
      const domain = cache.domainAt(
        (virtual - (virtual % PAGE_SIZE)) as CpuAddr,
        (at - (at % PAGE_SIZE)) as PhysAddr,
      );
      const part = parts.get(domain);
      if (part === undefined) parts.set(domain, [[at, stop]]);
      else part.push([at, stop]);
      virtual += stop - at;
      at = stop;
    }
  }
  return new Map([...parts].map(([domain, ranges]) => [domain, Extents.of(...ranges)]));
}
