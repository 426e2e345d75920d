// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { runLitmus } from "../../src/coherency.ts";
import { runConcretely } from "./reference/concrete-run.ts";
import { randomProgram } from "./reference/random-program.ts";

it.each([
  ["side by side", false],
  ["stacked", true],
] as const)(
  "random programs with partial lines: exactly the stale reads and the loss that exploring the concrete machine finds, domains %s",
  (_, stacks) => {
    const seen = { stale: 0, lost: 0 };
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 6 }), (program) => {
        const stale = new Set<number>();
        let lost: number | null = null;
        for (const { exploration, steps } of runConcretely(program)) {
          for (const { step, transition } of steps) {
            if (transition.stale !== 0) stale.add(step);
            if (exploration.lost(transition.next) !== 0 && (lost === null || step < lost)) lost = step;
          }
        }
        const result = runLitmus(program);
        expect({ stale: result.stale, lost: result.lost }).toEqual({
          stale: [...stale].sort((a, b) => a - b),
          lost,
        });
        seen.stale += stale.size;
        if (lost !== null) seen.lost++;
      }),
      { seed: 20261120, numRuns: 1000 },
    );
    expect(seen.stale).toBeGreaterThan(250);
    expect(seen.lost).toBeGreaterThan(120);
  },
);
