// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AnalysisMachine,
  DataMachine,
  findWitness,
  type Hazard,
  isLost,
  type MemoryMachine,
  type RouteSpec,
  replayWitness,
  seeded,
  Topology,
} from "../../../src/coherency.ts";
import { BounceDomain } from "../../../src/dma/swiotlb/bounce-domain.ts";
import { bounceDomains, type CpuCaches, viewName } from "../../../src/dma/swiotlb/bounce-domain-spec.ts";
import { Extents } from "../../../src/memory/extents.ts";
import { BouncedMemory, type BounceStep } from "./reference/bounced-memory.ts";

interface World {
  readonly line: number;
  readonly size: number;
  readonly speculates: boolean;
  readonly port: "direct" | "snoop" | "snoop-allocate";
  readonly coherent: boolean;
  /** Whether the CPU has an outer cache behind its own. */
  readonly outer?: boolean;
}

const accesses = ["cpu-read", "cpu-write", "direct-read", "direct-write", "maintain"] as const;
const whileMapped = [
  ...(["copy-in", "copy-out", "device-read", "device-write", "device-read", "device-write"] as const),
  ...(["maintain-slot", "maintain-slot", "unmap", "unmap-copying"] as const),
];

/** Programs that touch a bounce buffer only while there is one, and only inside of it. */
function program(size: number, maintainsSlot: boolean, length: number): fc.Arbitrary<BounceStep[]> {
  const draw = fc.record({
    inside: fc.boolean(),
    pick: fc.nat(59),
    kind: fc.constantFrom("clean" as const, "invalidate" as const, "flush" as const),
    from: fc.nat(size - 1),
    length: fc.integer({ min: 1, max: size }),
  });
  return fc.array(draw, { minLength: length, maxLength: length }).map((draws) => {
    let mapped: readonly [number, number] | null = null;
    return draws.map(({ inside, pick, kind, from, length: bytes }): BounceStep => {
      let range: [number, number] = [from, Math.min(size, from + bytes)];
      if (!inside) return { op: accesses[pick % accesses.length] as (typeof accesses)[number], kind, range };
      if (mapped === null) {
        mapped = range;
        return { op: "map", kind, range };
      }
      const op = whileMapped[pick % whileMapped.length] as (typeof whileMapped)[number];
      const [low, high]: readonly [number, number] = mapped;
      if (op === "unmap" || op === "unmap-copying") {
        mapped = null;
        return { op, kind, range: [low, high] };
      }
      const start = low + (from % (high - low));
      range = [start, Math.min(high, start + bytes)];
      return { op: op === "maintain-slot" && !maintainsSlot ? "device-read" : op, kind, range };
    });
  });
}

function setUp({ line, speculates, port, coherent, outer = false }: World) {
  const own = { line, speculates };
  const domains = outer ? { cpu: { ...own, behind: "l2" }, l2: own } : { cpu: own };
  const cpu: CpuCaches = { domains, cpuDomain: "cpu" };
  const route: RouteSpec =
    port === "direct"
      ? { route: "direct" }
      : { route: "snoop", domain: "cpu", ...(port === "snoop" ? {} : { writes: "allocate" as const }) };
  const device = { name: "dev", port: route, coherent };
  const topology = new Topology({ domains: { ...cpu.domains, ...bounceDomains(device, cpu) } });
  return { cpu, device, topology };
}

function performer(machine: MemoryMachine, world: World): (step: BounceStep) => void {
  const { cpu, device } = setUp(world);
  const bounce = new BounceDomain(machine, device, cpu);
  const { topology } = machine;
  const cached = topology.route({ route: "cached", domain: "cpu" });
  const direct = topology.route({ route: "direct" });
  let mapped: Extents | null = null;
  return ({ op, kind, range }) => {
    const extents = Extents.of(range);
    const does = op.endsWith("read") ? "read" : "write";
    if (op.startsWith("cpu-")) machine.access(cached, does, extents);
    else if (op.startsWith("direct-")) machine.access(direct, does, extents);
    else if (op.startsWith("device-")) machine.access(bounce.route, does, extents);
    else if (op === "maintain") machine.maintain(kind, topology.domain("cpu"), extents);
    else if (op === "maintain-slot") machine.maintain(kind, topology.domain(viewName("cpu", "dev")), extents);
    else if (op === "map") {
      mapped = extents;
      bounce.mapIn(extents);
    } else if (op === "copy-in") bounce.syncForDevice(extents);
    else if (op === "copy-out") bounce.syncForCpu(extents);
    else if (mapped !== null) bounce.unmapOut(mapped, op === "unmap-copying");
  };
}

const staleOf = (hazards: readonly Hazard[], size: number): boolean[] => {
  const stale = new Array<boolean>(size).fill(false);
  for (const { code, ranges } of hazards) {
    if (code !== "stale-read") continue;
    for (let i = 0; i < ranges.length; i += 2) stale.fill(true, ranges[i], ranges[i + 1]);
  }
  return stale;
};

const geometry = fc.constantFrom(
  { line: 2, size: 2 },
  { line: 1, size: 1 },
  { line: 4, size: 4 },
  { line: 1, size: 2 },
);
const behaviour = fc.record({
  speculates: fc.boolean(),
  port: fc.constantFrom("direct" as const, "snoop" as const, "snoop-allocate" as const),
  coherent: fc.boolean(),
});
const world: fc.Arbitrary<World> = fc
  .tuple(geometry, behaviour)
  .map(([shape, rest]) => ({ ...shape, ...rest }));

const hasView = ({ port, coherent }: World): boolean => port === "direct" || !coherent;

test("stale reads and lost data are those of bytes in memory, in a slot and in a cache over both", () => {
  const seen = { stale: 0, lost: 0 };
  fc.assert(
    fc.property(
      world.chain((each) => fc.tuple(fc.constant(each), program(each.size, hasView(each), 10))),
      ([each, steps]) => {
        const reference = new BouncedMemory(each.size, each.line, each.speculates, each.port);
        let hazards: Hazard[] = [];
        const { topology } = setUp(each);
        const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
        const perform = performer(machine, each);
        steps.forEach((step, index) => {
          hazards = [];
          perform(step);
          const expected = reference.perform(step);
          const lost = expected.stale.map((_, at) =>
            machine.table.states(machine.stateAt(at)).some((state) => isLost(state, topology.domains)),
          );
          expect({ index, stale: staleOf(hazards, each.size), lost }).toEqual({ index, ...expected });
          if (expected.stale.includes(true)) seen.stale++;
          if (expected.lost.includes(true)) seen.lost++;
        });
      },
    ),
    { seed: 20261120, numRuns: 400 },
  );
  expect(seen.stale).toBeGreaterThan(200);
  expect(seen.lost).toBeGreaterThan(200);
});

test("real bytes go stale only where the analysis says so, and every witness shows its stale read", () => {
  let witnessed = 0;
  let observed = 0;
  fc.assert(
    fc.property(
      fc
        .tuple(world, fc.boolean())
        .map(([each, outer]) => ({ ...each, outer }))
        .chain((each) => fc.tuple(fc.constant(each), program(each.size, hasView(each), 12))),
      fc.nat(),
      ([each, steps], seed) => {
        const { topology } = setUp(each);
        const hazards: Hazard[] = [];
        const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
        const happened: Hazard[] = [];
        const data = new DataMachine(topology, {
          policy: seeded(seed),
          report: (hazard) => happened.push(hazard),
        });
        for (const perform of [performer(machine, each), performer(data, each)]) steps.forEach(perform);
        for (const { step, ranges } of happened) {
          const possible = staleOf(
            hazards.filter((hazard) => hazard.step === step),
            each.size,
          );
          for (let i = 0; i < ranges.length; i += 2)
            for (let at = ranges[i] as number; at < (ranges[i + 1] as number); at++)
              expect(possible[at]).toBe(true);
          observed++;
        }
        for (const { code, step, address } of hazards) {
          if (code === "discarded-data") continue;
          const kind = code === "stale-read" ? "stale" : "lost";
          const witness = findWitness(machine.table, machine.log.touching(address, step), { kind });
          if (witness === null) throw new Error(`no witness for ${code} at step ${step}`);
          const replay = replayWitness(topology, machine.log, witness, address);
          if (kind === "stale") expect(replay.stale).toContain(step);
          else expect(replay.lost).toBe(true);
          witnessed++;
        }
      },
    ),
    { seed: 20261120, numRuns: 300, endOnFailure: true },
  );
  expect(observed).toBeGreaterThan(100);
  expect(witnessed).toBeGreaterThan(400);
});
