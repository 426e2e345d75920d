// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "../../src/sim/event-queue.ts";

type Step =
  | { readonly op: "schedule"; readonly slot: number; readonly time: number }
  | { readonly op: "cancel"; readonly slot: number }
  | { readonly op: "pop" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("schedule" as const), slot: fc.nat(99), time: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("cancel" as const), slot: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("pop" as const) }) },
);

test("pops by time, then in the order of scheduling, like a sorted list", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new EventQueue();
      let reference: { slot: number; time: number }[] = [];
      for (const step of steps) {
        if (step.op === "schedule") {
          if (reference.some(({ slot }) => slot === step.slot)) {
            expect(() => queue.schedule(step.slot, step.time)).toThrow(TypeError);
          } else {
            queue.schedule(step.slot, step.time);
            reference.push({ slot: step.slot, time: step.time });
          }
        } else if (step.op === "cancel") {
          expect(queue.cancel(step.slot)).toBe(reference.some(({ slot }) => slot === step.slot));
          reference = reference.filter(({ slot }) => slot !== step.slot);
        } else if (reference.length === 0) expect(() => queue.pop()).toThrow(TypeError);
        else {
          const first = reference.toSorted((a, b) => a.time - b.time)[0];
          expect(queue.nextTime).toBe(first?.time);
          expect(queue.pop()).toBe(first?.slot);
          reference = reference.filter((entry) => entry !== first);
        }
        expect(queue.size).toBe(reference.length);
      }
      const rest = reference.toSorted((a, b) => a.time - b.time).map(({ slot }) => slot);
      expect(rest.map(() => queue.pop())).toEqual(rest);
      expect(queue.nextTime).toBe(Number.POSITIVE_INFINITY);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("many pending events, with cancellations in between, leave in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { minLength: 300, maxLength: 600 }),
      fc.integer({ min: 2, max: 9 }),
      (times, every) => {
        const queue = new EventQueue();
        for (const [slot, time] of times.entries()) queue.schedule(slot, time);
        for (let slot = 0; slot < times.length; slot += every) expect(queue.cancel(slot)).toBe(true);
        const left = [...times.keys()].filter((slot) => slot % every !== 0);
        const expected = left.toSorted((a, b) => (times[a] as number) - (times[b] as number));
        expect(expected.map(() => queue.pop())).toEqual(expected);
        expect([queue.size, queue.has(0), queue.cancel(100_000)]).toEqual([0, false, false]);
      },
    ),
    { seed: 20261120, numRuns: 30 },
  );
});
