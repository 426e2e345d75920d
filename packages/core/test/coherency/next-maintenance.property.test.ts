// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Extents, type MaintenanceKind, type MaintenanceStep, nextMaintenance } from "../../src/coherency.ts";
import { lineCover } from "../../src/memory/line-cover.ts";
import { afterSafeAccess, cheapestBefore } from "./reference/cheapest-maintenance.ts";
import { runConcretely, type UnitRun } from "./reference/concrete-run.ts";
import type { SetId } from "./reference/exploration.ts";
import { addressesIn, analyse, performStep } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

const dodging = expect.objectContaining({ exclusive: true });

/** What a line costs, by kind; dearer in later domains. */
const prices = [
  { clean: 1, invalidate: 1, flush: 1 },
  { clean: 3, invalidate: 1, flush: 4 },
  { clean: 1, invalidate: 2, flush: 4 },
] as const;

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("the cheapest maintenance before an access of a random program, domains %s", (_, stacks) => {
  /** What comes of maintenance in one unit; null if it loses something. */
  function maintained(
    { exploration, address }: UnitRun,
    before: SetId,
    steps: readonly MaintenanceStep[],
  ): SetId | null {
    let set = before;
    for (const { kind, domain, extents } of steps) {
      for (let i = 0; i < extents.pairs.length; i += 2) {
        const start = Math.max(0, (extents.pairs[i] as number) - address);
        const end = Math.min(exploration.machine.size, (extents.pairs[i + 1] as number) - address);
        if (start >= end) continue;
        const operation = { kind, route: null, domain: domain.index, start, end };
        const { next, breaks } = exploration.after(set, operation);
        if (breaks !== 0 || exploration.endangered(next) & ~exploration.endangered(set)) return null;
        set = next;
      }
    }
    return set;
  }

  it("loses nothing, makes the access safe, and is as cheap as trying everything on the concrete machine finds", () => {
    const seen = { owed: 0, hopeless: 0, nothing: 0 };
    fc.assert(
      fc.property(
        randomProgram({ stacks, steps: 6, domains: 2 }),
        fc.constantFrom(...prices),
        (program, price) => {
          const cost = (kind: MaintenanceKind, domain: { readonly index: number }): number =>
            price[kind] * (domain.index + 1);
          const units = runConcretely(program);
          const { machine } = analyse({ ...program, steps: [] });
          program.steps.forEach((step, index) => {
            const extents = Extents.of(step.range);
            if ("agent" in step) {
              const route = machine.topology.agent(step.agent);
              const { steps, hopeless } = nextMaintenance(machine, route, step.op, extents, cost);
              const unsaved = new Set(hopeless === null ? [] : addressesIn(hopeless.pairs));
              let cheapest = 0;
              for (const unit of units) {
                const access = unit.steps.find((each) => each.step === index);
                if (access === undefined) continue;
                const { exploration, address } = unit;
                const reference = cheapestBefore(
                  exploration,
                  access.before,
                  access.operation,
                  (kind, domain) => cost(kind, { index: domain }),
                );
                expect({ address, hopeless: unsaved.has(address) }).toEqual({
                  address,
                  hopeless: reference === null,
                });
                if (reference === null) continue;
                cheapest += reference;
                const set = maintained(unit, access.before, steps);
                expect(set).not.toBeNull();
                expect(afterSafeAccess(exploration, set as SetId, access.operation)).not.toBeNull();
              }
              const lines = steps.map(
                ({ kind, domain, extents: owed }) => lineCover(owed, domain.line).lines * cost(kind, domain),
              );
              expect(lines.reduce((sum, each) => sum + each, 0)).toBe(cheapest);
              seen[hopeless !== null ? "hopeless" : steps.length > 0 ? "owed" : "nothing"]++;
            }
            performStep(machine, step, extents);
          });
        },
      ),
      { seed: 20261120, numRuns: 400 },
    );
    expect(seen.owed).toBeGreaterThan(90);
    expect(seen.hopeless).toBeGreaterThan(15);
  });

  it("leaves a run without hazards when it is done before every access, where every domain evicts", () => {
    let done = 0;
    fc.assert(
      fc.property(
        randomProgram({ stacks, steps: 16, bytes: 40, maintenance: false, slots: false }),
        (program) => {
          const { machine, hazards } = analyse({ ...program, steps: [] });
          for (const step of program.steps) {
            if (!("agent" in step)) continue;
            const extents = Extents.of(step.range);
            const { steps, hopeless } = nextMaintenance(
              machine,
              machine.topology.agent(step.agent),
              step.op,
              extents,
            );
            // An old line can dodge every invalidate between a speculating domain and an exclusive one behind it.
            if (hopeless !== null) expect(Object.values(program.domains)).toContainEqual(dodging);
            if (hopeless !== null) return;
            for (const { kind, domain, extents: lines } of steps) machine.maintain(kind, domain, lines);
            done += steps.length;
            performStep(machine, step, extents);
          }
          expect(hazards).toEqual([]);
        },
      ),
      { seed: 20261120, numRuns: 250 },
    );
    expect(done).toBeGreaterThan(600);
  });
});
