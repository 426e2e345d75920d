// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { litmusLog } from "../../src/coherency/litmus.ts";
import { forEachUnordered } from "../../src/coherency/litmus-order.ts";
import { runLitmus, type TimedLitmusProgram } from "../../src/coherency.ts";
import { fenced, happensBefore, reordered, timedProgram } from "./reference/timed-program.ts";
import { exception } from "./reference/unordered-pair.ts";

const sizes = { steps: 12, bytes: 16, domains: 2 } as const;

function unordered(program: TimedLitmusProgram): [number, number][] {
  const pairs: [number, number][] = [];
  forEachUnordered(program, (first, second) => pairs.push([first, second]));
  return pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

/** The program with a fence for every race, so that it has none. */
function withoutRaces(program: TimedLitmusProgram): TimedLitmusProgram {
  let mended = program;
  for (;;) {
    const [race] = runLitmus(mended).races;
    if (race === undefined) return mended;
    mended = fenced(mended, race.first, race.second);
  }
}

describe("timelines", () => {
  it("order exactly what the transitive closure of the definition orders", () => {
    let found = 0;
    fc.assert(
      fc.property(timedProgram(sizes, 8), (program) => {
        const before = happensBefore(program);
        const pairs: [number, number][] = [];
        for (const [i, row] of before.entries())
          for (let j = i + 1; j < row.length; j++) if (!row[j]) pairs.push([i, j]);
        expect(unordered(program)).toEqual(pairs);
        found += pairs.length;
      }),
      { seed: 20261120, numRuns: 300 },
    );
    expect(found).toBeGreaterThan(5000);
  });

  it("a program whose steps all run on one timeline, and one without timelines, has no race", () => {
    fc.assert(
      fc.property(timedProgram(sizes, 0), (program) => {
        const steps = program.steps.map((step) => ({ ...step, on: "t0" }));
        expect(runLitmus({ ...program, steps }).races).toEqual([]);
      }),
      { seed: 20261120, numRuns: 100 },
    );
  });
});

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("without races, domains %s", (_, stacks) => {
  it("every other order gives the same stale reads, and loses something or nothing as this one does", () => {
    const seen = { moved: 0, stale: 0, lost: 0 };
    fc.assert(
      fc.property(
        timedProgram({ ...sizes, slots: false, stacks }, 2),
        fc.array(fc.array(fc.nat(96), { minLength: 4, maxLength: 24 }), { minLength: 3, maxLength: 3 }),
        (random, orders) => {
          const program = withoutRaces(random);
          const { operations } = litmusLog(program);
          const result = runLitmus(program);
          const exceptions = unordered(program).map(([first, second]) => {
            const [a, b] = [operations[first], operations[second]];
            return a === undefined || b === undefined ? "none" : exception(a, b);
          });
          if (exceptions.includes("all")) return;
          const replaces = exceptions.includes("lost");
          for (const choices of orders) {
            const order = reordered(program, choices);
            const steps = order.map((step) => program.steps[step] as (typeof program.steps)[number]);
            const other = runLitmus({ ...program, steps });
            expect(other.races).toEqual([]);
            expect(other.stale.map((step) => order[step]).sort((a, b) => Number(a) - Number(b))).toEqual(
              result.stale,
            );
            if (!replaces) expect(other.lost === null).toBe(result.lost === null);
            if (order.some((step, index) => step !== index)) seen.moved++;
          }
          if (result.stale.length > 0) seen.stale++;
          if (result.lost !== null) seen.lost++;
        },
      ),
      { seed: 20261120, numRuns: 500 },
    );
    expect(seen.moved).toBeGreaterThan(700);
    expect(seen.stale).toBeGreaterThan(50);
    expect(seen.lost).toBeGreaterThan(30);
  });
});
