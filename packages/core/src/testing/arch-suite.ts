// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "../coherency/operation.ts";
import type { CacheMaintenance } from "../dma/arch.ts";
import { dmaDirections } from "../dma/direction.ts";
import { cacheMaintenance } from "../dma/dma-trace.ts";
import { Extents } from "../memory/extents.ts";
import { assemble } from "../platform/platform.ts";
import type { Plugin } from "../platform/plugin.ts";
import { ArchFixture, archOf, linesOf, neighboursOf, scatterlists } from "./arch-fixture.ts";
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
            demand(ns > 0 && Number.isFinite(ns), `the ${kind} of a line of ${domain} takes ${ns} ns`);
          }
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
        const again = describe(all(other));
        demand(describe(all(one)) === again, "two of them answer differently");
        demand(describe(all(one)) === again, "the same one answers differently the second time");
        for (const [, { kind, domain }] of all(one)) {
          demand(one.domains[domain] !== undefined, `${kind} on ${domain}, which is none of its domains`);
          demand(kinds.includes(kind), `${kind} is no kind of maintenance`);
        }
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

type Play = (fixture: ArchFixture, extents: Extents) => string;

const toDevice: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "to-device");
    fixture.device("read", extents);
    fixture.syncForCpu(extents, "to-device");
  }
  return "to-device";
};

const fromDevice: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "from-device");
    fixture.device("write", extents);
    fixture.syncForCpu(extents, "from-device");
    fixture.cpu("read", extents);
  }
  return "from-device";
};

const bothWays: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "bidirectional");
    fixture.device("read", extents);
    fixture.device("write", extents);
    fixture.syncForCpu(extents, "bidirectional");
    fixture.cpu("read", extents);
  }
  return "bidirectional";
};

/** Plays on every scatterlist, each on a machine of its own. */
function eachMachine(make: () => Plugin, play: Play, seed?: number): void {
  for (const extents of scatterlists) {
    const fixture = new ArchFixture(make(), seed);
    const direction = play(fixture, extents);
    fixture.demandNoHazard(`${direction} ${ranges(extents)}`);
  }
}

/** Everything that an architecture asks for, with the scatterlist that it is asked for. */
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

function ranges({ pairs }: Extents): string {
  const words: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    words.push(`[0x${(pairs[i] as number).toString(16)}, 0x${(pairs[i + 1] as number).toString(16)})`);
  }
  return words.join(" ");
}
