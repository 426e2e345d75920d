// SPDX-License-Identifier: MIT
import { type CpuAddr, PAGE_SIZE, type PhysAddr } from "../address.ts";
import type { Extents } from "../memory/extents.ts";
import type { Plugin } from "../platform/plugin.ts";
import { ArchFixture, archOf, scatterlists } from "./arch-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

/** Pages that one physical page is mapped at, from far below its address to far above. */
const mappings = Array.from({ length: 33 }, (_, i) => (0x1_0000_0000 + (i - 16) * PAGE_SIZE) as CpuAddr);

/**
 * What an architecture owes whose caches are looked up by virtual address: those that are not pass.
 * @see flush_kernel_vmap_range, invalidate_kernel_vmap_range
 */
export const virtualCacheTests = (make: () => Plugin): SuiteTest[] => [
  {
    name: "finds a domain of its own for every virtual address, the same one each time",
    run() {
      const arch = archOf(make());
      for (const virtual of mappings) {
        const domain = arch.virtualCache?.domainAt(virtual, 0x1_0000_0000 as PhysAddr);
        if (domain === undefined) continue;
        demand(arch.domains[domain] !== undefined, `${domain}, at ${virtual}, is none of its domains`);
        const again = arch.virtualCache?.domainAt(virtual, 0x1_0000_0000 as PhysAddr);
        demand(again === domain, `the same page is in ${domain}, then in ${again}`);
      }
    },
  },
  {
    name: "the device reads what was written through another address, once that is flushed",
    run: () =>
      eachDomain(make, (fixture, domain, extents) => {
        fixture.cpuThrough(domain, "write", extents);
        fixture.flushVmap(domain, extents);
        fixture.syncForDevice(extents, "to-device");
        fixture.device("read", extents);
      }),
  },
  {
    name: "what the device wrote is read through another address, once that is flushed and invalidated",
    run: () =>
      eachDomain(make, (fixture, domain, extents) => {
        fixture.cpuThrough(domain, "write", extents);
        fixture.flushVmap(domain, extents);
        fixture.syncForDevice(extents, "from-device");
        fixture.device("write", extents);
        fixture.syncForCpu(extents, "from-device");
        fixture.invalidateVmap(domain, extents);
        fixture.cpuThrough(domain, "read", extents);
      }),
  },
];

type Play = (fixture: ArchFixture, domain: string, extents: Extents) => void;

/** Plays in every domain that a virtual address leads to, on every scatterlist, each on a machine of its own. */
function eachDomain(make: () => Plugin, play: Play): void {
  const { virtualCache } = archOf(make());
  if (virtualCache === undefined) return;
  const domains = new Set(mappings.map((at) => virtualCache.domainAt(at, 0x1_0000_0000 as PhysAddr)));
  for (const domain of domains) {
    for (const extents of scatterlists) {
      const fixture = new ArchFixture(make());
      play(fixture, domain, extents);
      fixture.demandNoHazard(`through ${domain}`);
    }
  }
}
