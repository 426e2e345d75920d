// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type Domain,
  Extents,
  type MaintenanceCost,
  type MaintenanceKind,
  nextMaintenance,
  requiredMaintenance,
} from "../../src/coherency.ts";
import { cheapestBefore, cheapestOverall } from "./reference/cheapest-maintenance.ts";
import { runConcretely } from "./reference/concrete-run.ts";
import { addressesIn, analyse, performStep } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

const never = Number.POSITIVE_INFINITY;

/** What a line costs by kind, with kinds that the domains do not have; whatever is owed can still be done. */
const prices = [
  { clean: never, invalidate: never, flush: 3 },
  { clean: 1, invalidate: never, flush: 3 },
  { clean: never, invalidate: 1, flush: 3 },
  { clean: 2, invalidate: 1, flush: never },
] as const;

/** The price of another list for every domain, so that machines are mixed. */
const priced = fc
  .tuple(fc.constantFrom(...prices), fc.constantFrom(...prices))
  .map((each) => (kind: MaintenanceKind, domain: number) => (each[domain % 2] ?? each[0])[kind]);

const byIndex =
  (cost: (kind: MaintenanceKind, domain: number) => number): MaintenanceCost =>
  (kind, { index }) =>
    cost(kind, index);

it("the cheapest maintenance before an access is what trying everything else than the forbidden kinds finds", () => {
  const seen = { owed: 0, hopeless: 0 };
  fc.assert(
    fc.property(randomProgram({ steps: 6, domains: 2 }), priced, (program, cost) => {
      const units = runConcretely(program);
      const { machine } = analyse({ ...program, steps: [] });
      program.steps.forEach((step, index) => {
        const extents = Extents.of(step.range);
        if ("agent" in step) {
          const route = machine.topology.agent(step.agent);
          const { steps, hopeless } = nextMaintenance(machine, route, step.op, extents, byIndex(cost));
          const unsaved = new Set(hopeless === null ? [] : addressesIn(hopeless.pairs));
          let cheapest = 0;
          for (const { exploration, address, steps: own } of units) {
            const access = own.find((each) => each.step === index);
            if (access === undefined) continue;
            const reference = cheapestBefore(exploration, access.before, access.operation, cost);
            expect({ address, hopeless: unsaved.has(address) }).toEqual({
              address,
              hopeless: reference === null,
            });
            cheapest += reference ?? 0;
          }
          expect(costOf(steps, byIndex(cost))).toBe(cheapest);
          if (hopeless !== null) seen.hopeless++;
          if (steps.length > 0) seen.owed++;
        }
        performStep(machine, step, extents);
      });
    }),
    { seed: 20261120, numRuns: 300 },
  );
  expect(seen.owed).toBeGreaterThan(60);
  expect(seen.hopeless).toBeGreaterThan(10);
});

it("so is the cheapest maintenance of a whole run", () => {
  let placed = 0;
  fc.assert(
    fc.property(randomProgram({ steps: 5, domains: 2 }), priced, (program, cost) => {
      const { machine } = analyse(program);
      const required = requiredMaintenance(machine.table, machine.log, byIndex(cost));
      const reference = runConcretely(program).map((unit) => cheapestOverall(unit, cost));
      expect(required.cost).toBe(reference.reduce((sum, each) => sum + each.cost, 0));
      const hopeless = new Set(reference.flatMap((each) => each.hopeless));
      expect(required.hopeless).toEqual([...hopeless].sort((a, b) => a - b));
      for (const { kind, domain } of required.placements) expect(cost(kind, domain.index)).not.toBe(never);
      placed += required.placements.length;
    }),
    { seed: 20261120, numRuns: 300 },
  );
  expect(placed).toBeGreaterThan(70);
});

it("where stale lines cannot be dropped, the access is hopeless, in a run and online", () => {
  const { machine } = analyse({
    name: "a cache that can only be cleaned",
    domains: { cpu: { line: 64 } },
    agents: { cpu: { route: "cached", domain: "cpu" }, dma: { route: "direct" } },
    buffer: { size: 64 },
    steps: [
      { agent: "dma", op: "write", range: [0, 64] },
      { agent: "cpu", op: "read", range: [0, 64] },
    ],
  });
  const cleans: MaintenanceCost = (kind) => (kind === "clean" ? 1 : never);
  expect(requiredMaintenance(machine.table, machine.log, cleans).hopeless).toEqual([1]);
  const route = machine.topology.agent("cpu");
  const stale = analyse({
    name: "the write alone",
    domains: { cpu: { line: 64 } },
    agents: { cpu: { route: "cached", domain: "cpu" }, dma: { route: "direct" } },
    buffer: { size: 64 },
    steps: [{ agent: "dma", op: "write", range: [0, 64] }],
  }).machine;
  expect(nextMaintenance(stale, route, "read", Extents.of([0, 64]), cleans).hopeless).toEqual(
    Extents.of([0, 64]),
  );
});

function costOf(
  steps: readonly { readonly kind: MaintenanceKind; readonly domain: Domain; readonly extents: Extents }[],
  cost: MaintenanceCost,
): number {
  let sum = 0;
  for (const { kind, domain, extents } of steps) sum += linesIn(extents, domain.line) * cost(kind, domain);
  return sum;
}

function linesIn({ pairs }: Extents, line: number): number {
  const lines = new Set<number>();
  for (let i = 0; i < pairs.length; i += 2) {
    for (let at = pairs[i] as number; at < (pairs[i + 1] as number); at++) lines.add(Math.floor(at / line));
  }
  return lines.size;
}
