// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { IndexSet } from "../../src/memory/index-set.ts";

test("agrees with a Set, and finds the next member from anywhere", () => {
  // Bounds around the borders of one, two and three levels of summaries.
  const bound = fc.constantFrom(1, 31, 32, 33, 1023, 1024, 1025, 40_000);
  fc.assert(
    fc.property(bound, fc.array(fc.nat(), { maxLength: 200, size: "max" }), (size, choices) => {
      const set = new IndexSet(size);
      const reference = new Set<number>();
      for (const choice of choices) {
        const index = choice % size;
        expect(set.has(index)).toBe(reference.has(index));
        if (reference.delete(index)) set.delete(index);
        else {
          set.add(index);
          reference.add(index);
        }
        const from = (choice * 7) % (size + 1);
        const next = Math.min(...[...reference].filter((member) => member >= from));
        expect(set.next(from)).toBe(next === Number.POSITIVE_INFINITY ? -1 : next);
        expect(set.size).toBe(reference.size);
      }
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("a set of nothing has no members", () => {
  const set = new IndexSet(0);
  expect([set.size, set.next(0), set.has(0)]).toEqual([0, -1, false]);
});
