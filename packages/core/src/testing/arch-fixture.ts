// SPDX-License-Identifier: MIT
import { alignDown, alignUp } from "../address.ts";
import { AnalysisMachine } from "../coherency/analysis-machine.ts";
import { DataMachine } from "../coherency/data-machine.ts";
import { seeded } from "../coherency/eviction-policy.ts";
import type { Hazard } from "../coherency/hazard.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { AccessKind } from "../coherency/operation.ts";
import { type Route, Topology } from "../coherency/topology.ts";
import type { Arch, CacheMaintenance } from "../dma/arch.ts";
import type { DmaDirection } from "../dma/direction.ts";
import { Extents } from "../memory/extents.ts";
import type { Plugin } from "../platform/plugin.ts";
import { demand } from "./suite-test.ts";

/** The architecture that a plugin provides; fails the test when it provides none. */
export function archOf({ name, provides }: Plugin): Arch {
  demand(provides.arch !== undefined, `${name} provides no architecture`);
  return provides.arch();
}

/** Scatterlists, one range an entry: whole pages and parts of lines, in and out of order, touching and apart. */
export const scatterlists: readonly Extents[] = [
  Extents.of([0x1000, 0x2000]),
  Extents.each([0x5000, 0x3000, 0x4000, 0x9000], [0x6000, 0x4000, 0x5000, 0xa000]),
  Extents.of([0x1010, 0x1080]),
  Extents.of([0x1000, 0x1050]),
  Extents.of([0x1008, 0x1018]),
  Extents.of([0x1000, 0x1020]),
  Extents.of([0x1003, 0x2ffd]),
  Extents.each([0x8000, 0x2100, 0x2800], [0x8044, 0x2101, 0x2a00]),
  Extents.each([0x2000, 0x2020], [0x2020, 0x2040]),
];

/** A machine under an architecture, and what the driver of one non-coherent device does with it. */
export class ArchFixture {
  readonly topology: Topology;
  /** What went wrong so far. */
  readonly hazards: Hazard[] = [];
  readonly #arch: Arch;
  readonly #machine: MemoryMachine;
  readonly #cached: Route;
  readonly #direct: Route;

  /** @param seed of a machine with real bytes; without it, the machine that answers for every execution. */
  constructor(plugin: Plugin, seed?: number) {
    this.#arch = archOf(plugin);
    this.topology = new Topology({ domains: this.#arch.domains });
    const report = (hazard: Hazard): void => void this.hazards.push(hazard);
    this.#machine =
      seed === undefined
        ? new AnalysisMachine(this.topology, report)
        : new DataMachine(this.topology, { policy: seeded(seed), report });
    this.#cached = this.topology.route({ route: "cached", domain: this.#arch.cpuDomain });
    this.#direct = this.topology.route({ route: "direct" });
  }

  cpu(kind: AccessKind, extents: Extents): void {
    this.#machine.access(this.#cached, kind, extents);
  }

  /** An access through an address that leads to another domain than the linear map's. */
  cpuThrough(domain: string, kind: AccessKind, extents: Extents): void {
    this.#machine.access(this.topology.route({ route: "cached", domain }), kind, extents);
  }

  flushVmap(domain: string, extents: Extents): void {
    this.#maintain(this.#arch.virtualCache?.flushVmapRange(domain, extents) ?? []);
  }

  invalidateVmap(domain: string, extents: Extents): void {
    this.#maintain(this.#arch.virtualCache?.invalidateVmapRange(domain, extents) ?? []);
  }

  device(kind: AccessKind, extents: Extents): void {
    this.#machine.access(this.#direct, kind, extents);
  }

  syncForDevice(extents: Extents, direction: DmaDirection): void {
    this.#maintain(this.#arch.syncForDevice(extents, direction));
  }

  syncForCpu(extents: Extents, direction: DmaDirection): void {
    this.#maintain(this.#arch.syncForCpu(extents, direction));
  }

  /** What a driver flushes by itself. */
  driverFlush(extents: Extents): void {
    this.#maintain(this.#arch.driverFlush?.range(extents) ?? []);
  }

  /** Fails the test when anything went wrong with bytes in the ranges; default anywhere. */
  demandNoHazard(what: string, ranges?: Extents): void {
    const found = this.hazards.find((hazard) => ranges === undefined || overlaps(hazard, ranges));
    demand(found === undefined, `${what}: ${found?.code} at 0x${found?.address.toString(16)}`);
  }

  #maintain(operations: readonly CacheMaintenance[]): void {
    for (const { kind, domain, extents } of operations) {
      this.#machine.maintain(kind, this.topology.domain(domain), extents);
    }
  }
}

function overlaps({ ranges }: Hazard, { pairs }: Extents): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let j = 0; j < pairs.length; j += 2) {
      if (
        (ranges[i] as number) < (pairs[j + 1] as number) &&
        (pairs[j] as number) < (ranges[i + 1] as number)
      ) {
        return true;
      }
    }
  }
  return false;
}

/** The lines of `line` bytes that some ranges touch, by their first address. */
export function linesOf({ pairs }: Extents, line: number): Set<number> {
  const lines = new Set<number>();
  for (let i = 0; i < pairs.length; i += 2) {
    const end = alignUp(pairs[i + 1] as number, line);
    for (let at = alignDown(pairs[i] as number, line); at < end; at += line) lines.add(at);
  }
  return lines;
}

/** The bytes beside some ranges in the lines of `line` bytes that they touch; null when there are none. */
export function neighboursOf(extents: Extents, line: number): Extents | null {
  const { pairs } = extents;
  const inside = (address: number): boolean => {
    for (let i = 0; i < pairs.length; i += 2) {
      if (address >= (pairs[i] as number) && address < (pairs[i + 1] as number)) return true;
    }
    return false;
  };
  const bytes: [number, number][] = [];
  for (const first of [...linesOf(extents, line)].sort((a, b) => a - b)) {
    for (let at = first; at < first + line; at++) if (!inside(at)) bytes.push([at, at + 1]);
  }
  return bytes.length === 0 ? null : Extents.of(...bytes);
}
