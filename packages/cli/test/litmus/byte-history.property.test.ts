// SPDX-License-Identifier: MIT
import {
  type Choice,
  type LitmusProgram,
  type LitmusStep,
  runLitmus,
  type WitnessStep,
} from "@dmabuf/core/coherency";
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteHistory, type HistoryRow } from "../../src/litmus/byte-history.ts";
import { endsInHazard, isLost, isStaleRead } from "./replay.ts";

const line = fc.constantFrom(1, 4, 8, 16);
const size = 32;

const range = fc
  .tuple(fc.nat(size - 1), fc.integer({ min: 1, max: size }))
  .map(([start, length]) => [start, Math.min(size, start + length)] as const);

const step: fc.Arbitrary<LitmusStep> = fc.oneof(
  fc.record({
    agent: fc.constantFrom("cpu", "gpu", "hpc", "acp", "dma"),
    op: fc.constantFrom("read" as const, "write" as const),
    range,
  }),
  fc.record({
    op: fc.constantFrom("clean" as const, "invalidate" as const, "flush" as const),
    domain: fc.constantFrom("llc", "private"),
    range,
  }),
);

const domain = fc.record({ line, speculates: fc.boolean(), evicts: fc.boolean() });

/** Two caches side by side, or the second one behind the first. */
const domains: fc.Arbitrary<LitmusProgram["domains"]> = fc.oneof(
  fc.record({ llc: domain, private: domain }),
  fc.tuple(domain, domain, fc.boolean()).map(([llc, outer, exclusive]) => ({
    llc: { ...llc, behind: "private" },
    private: { ...outer, line: llc.line, exclusive },
  })),
);

const program: fc.Arbitrary<LitmusProgram> = fc.record({
  name: fc.constant("random"),
  domains,
  agents: fc.constant({
    cpu: { route: "cached", domain: "llc" },
    gpu: { route: "cached", domain: "private" },
    hpc: { route: "snoop", domain: "llc" },
    acp: { route: "snoop", domain: "llc", writes: "allocate" },
    dma: { route: "direct" },
  }),
  buffer: fc.constant({ size }),
  steps: fc.array(step, { minLength: 1, maxLength: 8 }),
});

test("the witness of every hazard that the engine reports shows it", () => {
  fc.assert(
    fc.property(program, (random) => {
      for (const hazard of runLitmus(random).hazards) expect(endsInHazard(random, hazard)).toBe(true);
    }),
    { seed: 20261120, numRuns: 400 },
  );
});

/**
 * One execution that hardware could choose: the program with spontaneous events where `choices` puts them. Who is asked
 * for something that nobody asks it says nothing, so each step offers answers for whoever may be asked.
 */
function execution(random: LitmusProgram, byte: number, choices: readonly number[]): WitnessStep[] {
  const steps: WitnessStep[] = [];
  const names = Object.keys(random.domains);
  let next = 0;
  const choose = (options: number): number => (choices[next++ % choices.length] as number) % options;
  const answers = (): Choice[] =>
    random.domains["llc"]?.behind === undefined
      ? []
      : [1, 2, 3].map(() => ({ domain: "private", allocates: choose(2) === 1 }));
  const happenings = (): void => {
    for (let times = choose(3); times > 0; times--) {
      const name = names[choose(names.length)] as string;
      const spec = random.domains[name];
      const hazard = { code: "stale-read", step: 0, byte, witness: steps } as const;
      const copy = byteHistory(random, hazard).at(-1)?.copies.get(name);
      if (copy == null ? spec?.speculates === false : spec?.evicts === false) continue;
      const event = copy == null ? "fill" : copy.dirty ? "write-back" : "drop";
      steps.push({ kind: "event", event, domain: name, choices: answers() });
    }
  };
  for (const [index, { op, ...step }] of random.steps.entries()) {
    happenings();
    const port = op === "write" && "agent" in step && step.agent === "acp";
    const kept = port ? [{ domain: "llc", allocates: choose(2) === 1 }] : [];
    steps.push({ kind: "operation", step: index, choices: [...kept, ...answers()] });
  }
  happenings();
  return steps;
}

test("whatever a random execution runs into, the engine has reported", () => {
  fc.assert(
    fc.property(
      program,
      fc.nat(size - 1),
      fc.array(fc.nat(97), { minLength: 12, maxLength: 60 }),
      (random, byte, choices) => {
        const { stale, lost } = runLitmus(random);
        const witness = execution(random, byte, choices);
        const rows = byteHistory(random, { code: "stale-read", step: 0, byte, witness });
        let current = -1;
        for (const [index, row] of rows.entries()) {
          if (row.step?.kind === "operation") {
            current = row.step.step;
            const [start, end] = random.steps[current]?.range ?? [0, 0];
            const read = random.steps[current]?.op === "read" && byte >= start && byte < end;
            if (read && isStaleRead(random, current, rows[index - 1] as HistoryRow))
              expect(stale).toContain(current);
          }
          if (isLost(row)) expect(lost).toBeLessThanOrEqual(current);
        }
      },
    ),
    { seed: 20261120, numRuns: 4000 },
  );
});
