// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { Extents } from "../../src/coherency.ts";
import { lineCover, pairsContain } from "../../src/memory/line-cover.ts";

const ranges = fc.array(
  fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 })).map(([start, length]) => [start, start + length]),
  { minLength: 1, maxLength: 6 },
);

it("has every byte of the ranges in range, and every other byte of their lines as a neighbour, once", () => {
  fc.assert(
    fc.property(
      ranges,
      fc.constantFrom(1, 2, 4, 8, 16, 64),
      fc.constantFrom(0, 2 ** 32, 2 ** 45),
      (list, line, base) => {
        const { inRange, neighbours, lines } = lineCover(
          new Extents(Float64Array.from(list.flat(), (offset) => base + offset)),
          line,
        );
        const touched = new Set<number>();
        const expected: string[] = [];
        const actual: string[] = [];
        for (let at = 0; at < 128; at++) {
          const own = list.some(([start = 0, end = 0]) => at >= start && at < end);
          const low = at - (at % line);
          const near = list.some(([start = 0, end = 0]) => start < low + line && end > low);
          if (near) touched.add(low);
          expected.push(own ? "in range" : near ? "neighbour" : "apart");
          const found = [pairsContain(inRange, base + at), pairsContain(neighbours, base + at)].join();
          actual.push(
            { "true,false": "in range", "false,true": "neighbour", "false,false": "apart" }[found] ?? "both",
          );
        }
        expect(actual).toEqual(expected);
        expect(lines).toBe(touched.size);
        for (const pairs of [inRange, neighbours]) {
          for (let i = 0; i < pairs.length; i++) {
            // Ranges are never empty, and disjoint; those that touch may stay apart.
            const previous = pairs[i - 1] ?? -1;
            if (i % 2 === 1) expect(pairs[i]).toBeGreaterThan(previous);
            else expect(pairs[i]).toBeGreaterThanOrEqual(previous);
          }
        }
      },
    ),
    { seed: 20261120, numRuns: 300 },
  );
});
