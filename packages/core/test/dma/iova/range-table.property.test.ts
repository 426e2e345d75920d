// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { RangeTable } from "../../../src/dma/iova/range-table.ts";

test("agrees with a Map, collisions and frames past 2^32 included", () => {
  const first = fc.oneof(
    fc.nat(40),
    fc.nat(40).map((n) => n * 2 ** 27),
    fc.nat(40).map((n) => 2 ** 39 + n * 1024),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(first, fc.boolean()), { maxLength: 300, size: "max" }), (steps) => {
      const table = new RangeTable();
      const reference = new Map<number, number>();
      for (const [i, [frame, remove]] of steps.entries()) {
        if (remove) {
          expect(table.delete(frame)).toBe(reference.get(frame) ?? -1);
          reference.delete(frame);
        } else {
          table.set(frame, frame + i + 1);
          reference.set(frame, frame + i + 1);
        }
        expect(table.size).toBe(reference.size);
      }
      for (const [frame] of steps) expect(table.end(frame)).toBe(reference.get(frame) ?? -1);
    }),
    { seed: 20261120, numRuns: 80 },
  );
});
