// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { LockGraph } from "../../../src/check/lock/lock-graph.ts";

const names = ["a", "b", "c", "d", "e", "f"];
const edges = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 30 });
const stack = [
  {
    ...{ name: "x", object: "", read: false, address: 0, context: -1, tried: false, atomic: false },
    ...{ timeline: "t", time: 0, event: "lock:lock_acquire" },
  },
];

/** Whether `to` is reachable: transitive closure, edge by edge. */
function reaches(accepted: readonly (readonly [string, string])[], from: string, to: string): boolean {
  const seen = new Set([from]);
  for (let grown = -1; grown !== seen.size; ) {
    grown = seen.size;
    for (const [held, taken] of accepted) if (seen.has(held)) seen.add(taken);
  }
  return from !== to && seen.has(to);
}

test("an edge is refused exactly when it closes a circle, and the way back is one", () => {
  fc.assert(
    fc.property(edges, (list) => {
      const graph = new LockGraph([]);
      const accepted: [string, string][] = [];
      for (const [held, taken] of list) {
        const back = graph.add({ held, taken, stack });
        expect(back !== null).toBe(held === taken || reaches(accepted, taken, held));
        if (back === null) accepted.push([held, taken]);
        else if (held !== taken) {
          expect([back[0]?.held, back.at(-1)?.taken]).toEqual([taken, held]);
          for (const [i, edge] of back.entries()) {
            expect(accepted).toContainEqual([edge.held, edge.taken]);
            expect(edge.held).toBe(i === 0 ? taken : back[i - 1]?.taken);
          }
        }
        expect(graph.knows(held, taken)).toBe(accepted.some(([h, t]) => h === held && t === taken));
      }
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("a prescribed order is there from the beginning, and known only when it was seen", () => {
  const graph = new LockGraph(["a", "b", "c"]);
  expect(graph.path("a", "c")?.map(({ taken }) => taken)).toEqual(["b", "c"]);
  expect(graph.knows("a", "b")).toBe(false);
  expect(graph.add({ held: "c", taken: "a", stack })?.map(({ stack }) => stack)).toEqual([[], []]);
  graph.add({ held: "a", taken: "c", stack });
  expect(graph.path("a", "c")).toEqual([{ held: "a", taken: "c", stack }]);
});
