// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "../coherency/operation.ts";
import type { CacheMaintenance } from "../dma/arch.ts";
import { dmaDirections } from "../dma/direction.ts";
import { cacheMaintenance } from "../dma/dma-trace.ts";
import { Extents } from "../memory/extents.ts";
import { assemble } from "../platform/platform.ts";
import type { Plugin } from "../platform/plugin.ts";
import { ArchFixture, archOf, linesOf, neighboursOf, scatterlists } from "./arch-fixture.ts";
import { bothWays, eachMachine, flushed, fromDevice, ranges, toDevice } from "./arch-play.ts";
import { demand, type SuiteTest } from "./suite-test.ts";
import { toyBoard } from "./toy-board.ts";
import { virtualCacheTests } from "./virtual-cache-suite.ts";

/** What is special about an architecture. */
export interface ArchSuiteOptions {
  /**
   * Whether it serves devices that are not coherent; default yes. Where all DMA snoops and Linux has no maintenance at
   * all, say no: then the suite demands that nothing is asked for.
   */
  readonly noncoherent?: boolean;
}

const kinds: readonly MaintenanceKind[] = ["clean", "invalidate", "flush"];

/**
 * What every architecture owes the DMA API, as tests for any runner. `make` is called for every system.
 * @see arch_sync_dma_for_device, arch_sync_dma_for_cpu
 */
export function archSuite(make: () => Plugin, { noncoherent = true }: ArchSuiteOptions = {}): SuiteTest[] {
  return [
    {
      name: "names its CPU's domain, and lines that are powers of two",
      run() {
        const { domains, cpuDomain, name } = archOf(make());
        demand(name !== "", "an architecture needs a name");
        demand(domains[cpuDomain] !== undefined, `${cpuDomain}, the CPU's domain, is none of its domains`);
        new ArchFixture(make());
      },
    },
    {
      name: "takes time for a line of maintenance",
      run() {
        const arch = archOf(make());
        for (const domain of Object.keys(arch.domains)) {
          for (const kind of kinds) {
            const ns = arch.lineCost(kind, domain);
            demand(ns > 0, `the ${kind} of a line of ${domain} takes ${ns} ns`);
          }
        }
        const { all } = arch.driverFlush ?? {};
        demand(
          all === undefined || (all.ns > 0 && Number.isFinite(all.ns)),
          `flushing it all takes ${all?.ns} ns`,
        );
      },
    },
    {
      name: "can write lines back and drop them, and asks for no operation that a domain does not have",
      run() {
        const arch = archOf(make());
        const has = (kind: MaintenanceKind, domain: string): boolean =>
          Number.isFinite(arch.lineCost(kind, domain));
        for (const domain of Object.keys(arch.domains)) {
          demand(has("flush", domain) || has("clean", domain), `nothing writes lines of ${domain} back`);
          demand(has("flush", domain) || has("invalidate", domain), `nothing drops lines of ${domain}`);
        }
        for (const [, { kind, domain }] of everything(arch)) {
          demand(has(kind, domain), `it asks for ${kind} on ${domain}, which has no such operation`);
        }
      },
    },
    {
      name: "runs a board whose coherent device gets no maintenance",
      run() {
        const system = assemble(toyBoard, [make()]).boot();
        let operations = 0;
        system.simulation.trace.subscribe(cacheMaintenance, () => operations++);
        const device = system.device("snooping");
        for (const direction of dmaDirections) {
          const mapping = system.dma.mapSgtable(device, Extents.of([0x1000, 0x3000]), direction);
          system.dma.syncSgtableForCpu(mapping);
          system.dma.syncSgtableForDevice(mapping);
          system.dma.unmapSgtable(mapping);
        }
        demand(operations === 0, `a coherent device got ${operations} maintenance operations`);
      },
    },
    {
      name: "asks for the same maintenance every time, on domains of its own",
      run() {
        const [one, other] = [archOf(make()), archOf(make())];
        const again = describe(everything(other));
        demand(describe(everything(one)) === again, "two of them answer differently");
        demand(describe(everything(one)) === again, "the same one answers differently the second time");
        for (const [, { kind, domain }] of everything(one)) {
          demand(one.domains[domain] !== undefined, `${kind} on ${domain}, which is none of its domains`);
          demand(kinds.includes(kind), `${kind} is no kind of maintenance`);
        }
        const whole = one.driverFlush?.all.domain ?? one.cpuDomain;
        demand(one.domains[whole] !== undefined, `flush of all ${whole}, which is none of its domains`);
      },
    },
    {
      name: "what a driver flushes is right for a device that does not snoop, and for the CPU after it",
      run() {
        if (archOf(make()).driverFlush === undefined) return;
        for (const seed of [undefined, 1, 2]) eachMachine(make, flushed, seed);
      },
    },
    ...(noncoherent ? noncoherentTests(make) : [coherentTest(make)]),
    ...virtualCacheTests(make),
  ];
}

const coherentTest = (make: () => Plugin): SuiteTest => ({
  name: "asks for no maintenance",
  run() {
    const count = all(archOf(make())).length;
    demand(count === 0, `it asks for ${count} operations, and has no devices that are not coherent`);
  },
});

const noncoherentTests = (make: () => Plugin): SuiteTest[] => [
  {
    name: "to-device: the device reads what the CPU wrote",
    run: () => eachMachine(make, toDevice),
  },
  {
    name: "from-device: the CPU reads what the device wrote, and nothing lands on it",
    run: () => eachMachine(make, fromDevice),
  },
  {
    name: "bidirectional: both, in turns",
    run: () => eachMachine(make, bothWays),
  },
  {
    name: "loses nothing that shares a line with the ranges",
    run() {
      const { domains, cpuDomain } = archOf(make());
      for (const extents of scatterlists) {
        const neighbours = neighboursOf(extents, domains[cpuDomain]?.line ?? 1);
        if (neighbours === null) continue;
        for (const direction of ["from-device", "bidirectional"] as const) {
          const fixture = new ArchFixture(make());
          fixture.cpu("write", neighbours);
          fixture.syncForDevice(extents, direction);
          fixture.cpu("read", neighbours);
          fixture.device("write", extents);
          fixture.cpu("write", neighbours);
          fixture.syncForCpu(extents, direction);
          fixture.cpu("read", neighbours);
          fixture.demandNoHazard(`${direction} ${ranges(extents)}, the bytes beside it`, neighbours);
        }
      }
    },
  },
  {
    name: "works on no line but those of the ranges",
    run() {
      const arch = archOf(make());
      for (const [extents, operation] of all(arch)) {
        const { line } = arch.domains[operation.domain] ?? { line: 1 };
        const own = linesOf(extents, line);
        const other = [...linesOf(operation.extents, line)].find((at) => !own.has(at));
        const where = `${operation.kind} of the line at 0x${other?.toString(16)}`;
        demand(other === undefined, `${where}, which ${ranges(extents)} does not touch`);
      }
    },
  },
  {
    name: "holds on real bytes, whatever the cache does by itself",
    run() {
      for (let seed = 1; seed <= 3; seed++) {
        for (const play of [toDevice, fromDevice, bothWays]) eachMachine(make, play, seed);
      }
    },
  },
];

/** Everything that an architecture asks for, for drivers that flush by themselves too. */
const everything = (arch: ReturnType<typeof archOf>): (readonly [Extents, CacheMaintenance])[] => [
  ...all(arch),
  ...scatterlists.flatMap((extents) =>
    (arch.driverFlush?.range(extents) ?? []).map((operation) => [extents, operation] as const),
  ),
];

/** Everything that the DMA API asks for, with the scatterlist that it is asked for. */
function all(arch: ReturnType<typeof archOf>): (readonly [Extents, CacheMaintenance])[] {
  return scatterlists.flatMap((extents) =>
    dmaDirections.flatMap((direction) =>
      [...arch.syncForDevice(extents, direction), ...arch.syncForCpu(extents, direction)].map(
        (operation) => [extents, operation] as const,
      ),
    ),
  );
}

const describe = (operations: readonly (readonly [Extents, CacheMaintenance])[]): string =>
  operations.map(([, { kind, domain, extents }]) => `${kind} ${domain} ${ranges(extents)}`).join("; ");
