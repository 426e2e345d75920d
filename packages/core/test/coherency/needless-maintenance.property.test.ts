// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { Extents, type LitmusProgram, needlessMaintenance } from "../../src/coherency.ts";
import { reportOf } from "./reference/concrete-hazards.ts";
import { addressesIn, analyse, performStep } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

/** What a run reports and what is in danger at its end, without one of its steps but with the numbers of all. */
function verdictWithout(program: LitmusProgram, left: number | null): string {
  const { machine, hazards } = analyse({ ...program, steps: [] });
  const numbers: number[] = [];
  program.steps.forEach((step, index) => {
    if (index === left) return;
    numbers.push(index);
    performStep(machine, step, Extents.of(step.range));
  });
  const report = reportOf(
    hazards.map((hazard) => ({
      ...hazard,
      step: numbers[hazard.step] as number,
      readBy: hazard.readBy === null ? null : (numbers[hazard.readBy] as number),
    })),
  );
  const endangered: number[] = [];
  machine.forEachState(0, 64, (state, start, end) => {
    if (machine.table.endangered(state)) endangered.push(...addressesIn(Float64Array.of(start, end)));
  });
  return JSON.stringify({ report, endangered });
}

it.each([
  ["side by side", false],
  ["stacked", true],
] as const)(
  "maintenance is needless exactly when the run without it has the same verdict, domains %s",
  (_, stacks) => {
    const seen = { needless: 0, needed: 0 };
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 10, bytes: 40 }), (program) => {
        const verdict = verdictWithout(program, null);
        const expected: number[] = [];
        program.steps.forEach((step, index) => {
          if ("agent" in step) return;
          const isNeedless = verdictWithout(program, index) === verdict;
          if (isNeedless) expected.push(index);
          seen[isNeedless ? "needless" : "needed"]++;
        });
        const { machine } = analyse(program);
        expect(needlessMaintenance(machine.table, machine.log)).toEqual(expected);
      }),
      { seed: 20261120, numRuns: 500 },
    );
    expect(seen.needed).toBeGreaterThan(90);
    expect(seen.needless).toBeGreaterThan(150);
  },
);
