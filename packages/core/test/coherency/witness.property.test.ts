// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { litmusLog } from "../../src/coherency/litmus.ts";
import {
  type AnalysisMachine,
  findWitness,
  type LitmusProgram,
  replayWitness,
  runLitmus,
  type WitnessGoal,
} from "../../src/coherency.ts";
import { analyse } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";
import { shortestWitness } from "./reference/shortest-witness.ts";

/** What a witness is asked for. */
interface Case {
  readonly machine: AnalysisMachine;
  readonly byte: number;
  readonly step: number;
  readonly goal: WitnessGoal;
}

/** Every hazard that the analysis machine reports, at its first byte and its last. */
function casesOf(program: LitmusProgram): Case[] {
  const { machine, hazards } = analyse(program);
  return hazards.flatMap(({ code, step, readBy, ranges }) => {
    const kind = code === "lost-write" ? "lost" : "stale";
    const goal: WitnessGoal = code === "discarded-data" ? { kind, discardedAt: step } : { kind };
    const bytes = new Set([ranges[0] as number, (ranges.at(-1) as number) - 1]);
    return [...bytes].map((byte) => ({ machine, byte, step: readBy ?? step, goal }));
  });
}

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("witnesses of random programs, domains %s", (_, stacks) => {
  it("every hazard of a litmus program can be driven on the data machine", () => {
    let replayed = 0;
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 20, bytes: 64 }), (program) => {
        const { stale, lost, hazards } = runLitmus(program);
        const { table, log } = litmusLog(program);
        expect(hazards.flatMap(({ code, step }) => (code === "stale-read" ? [step] : []))).toEqual(stale);
        expect(hazards.flatMap(({ code, step }) => (code === "lost-write" ? [step] : []))).toEqual(
          lost === null ? [] : [lost],
        );
        for (const { code, step, byte, witness } of hazards) {
          const replay = replayWitness(table.topology, log, witness, byte);
          const operations = witness.filter((each) => each.kind === "operation");
          expect(operations.at(-1)?.step).toBe(step);
          if (code === "stale-read") expect(replay.stale.at(-1)).toBe(step);
          else expect(replay.lost).toBe(true);
          replayed++;
        }
      }),
      { seed: 20261120, numRuns: 160 },
    );
    expect(replayed).toBeGreaterThan(300);
  });

  it("every hazard of a run can be driven on the data machine", () => {
    let replayed = 0;
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 16, bytes: 40 }), (program) => {
        for (const { machine, byte, step, goal } of casesOf(program)) {
          const witness = findWitness(machine.table, machine.log.touching(byte, step), goal);
          expect(witness).not.toBeNull();
          const replay = replayWitness(machine.topology, machine.log, witness ?? [], byte);
          if (goal.kind === "stale") expect(replay.stale.at(-1)).toBe(step);
          else expect(replay.lost).toBe(true);
          replayed++;
        }
      }),
      { seed: 20261120, numRuns: 220 },
    );
    expect(replayed).toBeGreaterThan(700);
  });

  it("none is longer than the shortest that trying everything finds", () => {
    let compared = 0;
    // Two domains that contend for one line: there an event can save several operations, or the other way round.
    const contended = randomProgram({ steps: 12, lines: [2, 2], bytes: 4 });
    const anywhere = randomProgram({ stacks, steps: 8, domains: 2, bytes: 12 });
    fc.assert(
      fc.property(fc.oneof(anywhere, contended), (program) => {
        for (const { machine, byte, step, goal } of casesOf(program)) {
          const witness = findWitness(machine.table, machine.log.touching(byte, step), goal);
          expect(witness?.length ?? null).toBe(shortestWitness({ program, byte, step, ...goal }));
          compared++;
        }
      }),
      { seed: 20261120, numRuns: 700 },
    );
    expect(compared).toBeGreaterThan(700);
  });
});
