// SPDX-License-Identifier: MIT
import fc from "fast-check";
import type { LitmusFence, LitmusStep, TimedLitmusProgram } from "../../../src/coherency.ts";
import { type ProgramLimits, randomProgram } from "./random-program.ts";

const timelines = ["t0", "t1", "t2"];

/** Programs whose steps run on three timelines, with fences signalled and waited for here and there. */
export function timedProgram(limits: ProgramLimits, fences: number): fc.Arbitrary<TimedLitmusProgram> {
  return randomProgram(limits).chain((program) => {
    const { steps } = program;
    const place = fc.tuple(fc.nat(steps.length), fc.nat(2), fc.nat(steps.length), fc.nat(2));
    return fc
      .tuple(
        fc.array(fc.constantFrom(...timelines), { minLength: steps.length, maxLength: steps.length }),
        fc.array(place, { maxLength: fences }),
      )
      .map(([on, places]) => {
        const timed: (LitmusStep | LitmusFence)[][] = steps.map((step, index) => [
          { ...step, on: on[index] as string },
        ]);
        timed.push([]);
        for (const [index, [first, from, second, to]] of places.entries()) {
          const fence = `f${index}`;
          const [signal, wait] = first <= second ? [first, second] : [second, first];
          (timed[signal] as (LitmusStep | LitmusFence)[]).unshift({
            on: timelines[from] as string,
            signal: fence,
          });
          const at = timed[wait] as (LitmusStep | LitmusFence)[];
          const after = at.findIndex((step) => "signal" in step && step.signal === fence) + 1;
          at.splice(after, 0, { on: timelines[to] as string, wait: fence });
        }
        return { ...program, timelines, steps: timed.flat() };
      });
  });
}

/** Which step comes before which: the transitive closure of the definition, one pair at a time. */
export function happensBefore({ steps }: TimedLitmusProgram): boolean[][] {
  const before = steps.map((first, i) =>
    steps.map((second, j) => {
      if (first.on === second.on) return i < j;
      return "signal" in first && "wait" in second && first.signal === second.wait;
    }),
  );
  for (const [k, from] of before.entries())
    for (const row of before) if (row[k]) for (const [j, reaches] of from.entries()) row[j] ||= reaches;
  return before;
}

/** The program with a fence between the two steps of a pair. */
export function fenced(program: TimedLitmusProgram, first: number, second: number): TimedLitmusProgram {
  const steps = [...program.steps];
  const fence = `between ${steps.length} ${first} ${second}`;
  const [before, after] = [steps[first], steps[second]];
  if (before?.on === undefined || after?.on === undefined) throw new TypeError("no timelines");
  steps.splice(second, 0, { on: after.on, wait: fence });
  steps.splice(first + 1, 0, { on: before.on, signal: fence });
  return { ...program, steps };
}

/** Another order of the same steps: of those that may come next, the one that `choices` says. */
export function reordered(program: TimedLitmusProgram, choices: readonly number[]): number[] {
  const before = happensBefore(program);
  const left = new Set(program.steps.keys());
  const order: number[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((step) => ![...left].some((other) => before[other]?.[step]));
    const next = ready[(choices[order.length % choices.length] ?? 0) % ready.length] as number;
    left.delete(next);
    order.push(next);
  }
  return order;
}
