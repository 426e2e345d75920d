// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runLitmus } from "../../src/coherency.ts";
import { concreteHazards, reportOf } from "./reference/concrete-hazards.ts";
import { analyse, scrambled } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("hazards of random programs, domains %s", (_, stacks) => {
  it("are those of the concrete machine: same code, same step, same bytes", () => {
    let reported = 0;
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 6 }), (program) => {
        const expected = concreteHazards(program);
        expect(reportOf(analyse(program).hazards)).toEqual(expected);
        reported += Object.keys(expected).length;
      }),
      { seed: 20261120, numRuns: 500 },
    );
    expect(reported).toBeGreaterThan(180);
  });

  it("agree with the litmus verdict", () => {
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 12, bytes: 40 }), (program) => {
        const { hazards } = analyse(program);
        const { stale, lost } = runLitmus(program);
        expect(hazards.filter(({ code }) => code === "stale-read").map(({ step }) => step)).toEqual(stale);
        const written = hazards.filter(({ code }) => code === "lost-write").map(({ step }) => step);
        // A litmus program counts data that an invalidate discards even if nobody reads it.
        const discarded = hazards.filter(({ code }) => code === "discarded-data").map(({ step }) => step);
        const first = Math.min(...written, ...discarded, Number.POSITIVE_INFINITY);
        if (lost === null) expect(first).toBe(Number.POSITIVE_INFINITY);
        else {
          expect(first).toBeGreaterThanOrEqual(lost);
          const kind = program.steps[lost]?.op;
          if (kind !== "invalidate") expect(first).toBe(lost);
        }
      }),
      { seed: 20261120, numRuns: 600 },
    );
  });

  it("depend on which bytes an operation has, not on how its ranges list them", () => {
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 8, bytes: 40 }), fc.nat(1000), (program, seed) => {
        const { hazards } = analyse(program, (step) => scrambled(step, seed));
        expect(reportOf(hazards)).toEqual(reportOf(analyse(program).hazards));
      }),
      { seed: 20261120, numRuns: 500 },
    );
  });
});
