// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AnalysisMachine,
  type Domain,
  Extents,
  type Hazard,
  type MaintenanceKind,
  nextMaintenance,
  performedMaintenance,
  requiredMaintenance,
} from "../../src/coherency.ts";
import { cheapestOverall } from "./reference/cheapest-maintenance.ts";
import { runConcretely } from "./reference/concrete-run.ts";
import { analyse, performStep } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

const prices = [
  { clean: 1, invalidate: 1, flush: 1 },
  { clean: 3, invalidate: 1, flush: 4 },
  { clean: 1, invalidate: 2, flush: 4 },
] as const;

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("the cheapest maintenance of a random program, domains %s", (_, stacks) => {
  it("costs what trying everything on the concrete machine finds, and makes the program right where it is put in", () => {
    let placed = 0;
    fc.assert(
      fc.property(
        randomProgram({ stacks, steps: 5, domains: 2 }),
        fc.constantFrom(...prices),
        (program, price) => {
          const { machine } = analyse(program);
          const cost = (kind: MaintenanceKind, domain: Domain): number => price[kind] * (domain.index + 1);
          const required = requiredMaintenance(machine.table, machine.log, cost);
          const reference = runConcretely(program).map((unit) =>
            cheapestOverall(unit, (kind, domain) => price[kind] * (domain + 1)),
          );
          expect(required.cost).toBe(reference.reduce((sum, each) => sum + each.cost, 0));
          const hopeless = new Set(reference.flatMap((each) => each.hopeless));
          expect(required.hopeless).toEqual([...hopeless].sort((a, b) => a - b));
          if (!Object.values(program.domains).some(({ exclusive }) => exclusive === true))
            expect(required.hopeless).toEqual([]);

          const hazards: Hazard[] = [];
          const again = new AnalysisMachine(machine.topology, (hazard) => hazards.push(hazard));
          program.steps.forEach((step, index) => {
            for (const { before, kind, domain, extents } of required.placements) {
              if (before === index)
                again.maintain(
                  kind,
                  domain,
                  new Extents(Float64Array.from(extents.flatMap(({ pairs }) => [...pairs]))),
                );
            }
            if ("agent" in step) performStep(again, step, Extents.of(step.range));
          });
          if (hopeless.size === 0) expect(hazards).toEqual([]);
          const performed = performedMaintenance(again.log, cost);
          expect(performed).toEqual({
            ops: required.placements.length,
            bytes: required.bytes,
            cost: required.cost,
          });
          placed += required.placements.length;
        },
      ),
      { seed: 20261120, numRuns: 300 },
    );
    expect(placed).toBeGreaterThan(70);
  });

  it("never costs more than the maintenance of a run that is right", () => {
    let right = 0;
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 12, bytes: 40 }), fc.boolean(), (program, careful) => {
        const { machine, hazards } = analyse({ ...program, steps: [] });
        for (const step of program.steps) {
          const extents = Extents.of(step.range);
          if (careful && "agent" in step) {
            const owed = nextMaintenance(machine, machine.topology.agent(step.agent), step.op, extents);
            for (const { kind, domain, extents: lines } of owed.steps) machine.maintain(kind, domain, lines);
          }
          performStep(machine, step, extents);
        }
        if (hazards.length > 0) return;
        right++;
        const performed = performedMaintenance(machine.log);
        const required = requiredMaintenance(machine.table, machine.log);
        expect(performed.cost).toBeGreaterThanOrEqual(required.cost);
      }),
      { seed: 20261120, numRuns: 400 },
    );
    expect(right).toBeGreaterThan(150);
  });
});
