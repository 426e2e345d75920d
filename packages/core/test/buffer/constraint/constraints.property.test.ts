// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stricterIn } from "../../../src/buffer/constraint/intersect.ts";
import {
  capacity,
  conflictOf,
  type DmaConstraints,
  intersect,
  intersectAll,
  satisfiable,
  unconstrained,
} from "../../../src/index.ts";

const constraints: fc.Arbitrary<DmaConstraints> = fc.record({
  maxSegmentSize: fc.constantFrom(0, 512, 4096, 65536, 0xffff_f000, Number.POSITIVE_INFINITY),
  segmentBoundaryMask: fc.constantFrom(0xfff, 0xffff, 0xffff_ffff, Number.MAX_SAFE_INTEGER),
  maxSegmentCount: fc.constantFrom(0, 1, 2, 16, 1000, Number.POSITIVE_INFINITY),
  contiguous: fc.boolean(),
  needsPages: fc.boolean(),
  trustIds: fc.oneof(fc.constant(null), fc.subarray(["gpu", "tee", "vpu"])),
  preferredSegmentSize: fc.constantFrom(0, 65536, 2 ** 21),
});
const parties = fc.array(constraints, { minLength: 1, maxLength: 6 });

describe("the laws of intersecting (D10)", () => {
  test("associative, commutative, idempotent, with a neutral element", () => {
    fc.assert(
      fc.property(constraints, constraints, constraints, (a, b, c) => {
        expect(intersect(a, intersect(b, c))).toEqual(intersect(intersect(a, b), c));
        expect(intersect(a, b)).toEqual(intersect(b, a));
        expect(intersect(a, a)).toEqual(a);
        expect(intersect(a, unconstrained)).toEqual(a);
      }),
      { seed: 2015 },
    );
  });

  test("nothing fits all that does not fit each", () => {
    fc.assert(
      fc.property(constraints, constraints, fc.integer({ min: 1, max: 2 ** 24 }), (a, b, size) => {
        const both = intersect(a, b);
        expect(capacity(both)).toBeLessThanOrEqual(Math.min(capacity(a), capacity(b)));
        if (satisfiable(both, size)) expect(satisfiable(a, size) && satisfiable(b, size)).toBe(true);
        expect(stricterIn(both, a), "neither asks for more than both").toEqual([]);
        expect(stricterIn(both, b)).toEqual([]);
      }),
      { seed: 2015 },
    );
  });

  test("in any order, with somebody twice, and with somebody who came and went (PR-11)", () => {
    fc.assert(
      fc.property(parties, fc.nat(), (all, pick) => {
        const together = intersectAll(all);
        expect(intersectAll([...all].reverse())).toEqual(together);
        expect(intersectAll([...all, all[pick % all.length] as DmaConstraints])).toEqual(together);
        const left = all.filter((_, i) => i !== pick % all.length);
        const afresh = left.reduce((sum, each) => intersect(sum, each), unconstrained);
        expect(intersectAll(left)).toEqual(afresh);
      }),
      { seed: 2015 },
    );
  });
});

describe("who conflicts (D12)", () => {
  const named = (all: readonly DmaConstraints[]) =>
    all.map((each, i) => ({ name: `device${i}`, constraints: each }));

  test("there is a conflict exactly when all together have no room, and it names the least set", () => {
    fc.assert(
      fc.property(parties, fc.integer({ min: 1, max: 2 ** 24 }), (all, size) => {
        const conflict = conflictOf(named(all), size);
        expect(conflict === null).toBe(satisfiable(intersectAll(all), size));
        if (conflict === null) return;
        const guilty = conflict.parties.map((party) => party.constraints);
        expect(satisfiable(intersectAll(guilty), size), "they conflict").toBe(false);
        for (const one of guilty) {
          const others = guilty.filter((other) => other !== one);
          expect(satisfiable(intersectAll(others), size), "without one they do not").toBe(true);
        }
        for (const { name } of conflict.parties) expect(conflict.reason).toContain(name);
        expect(conflict.reason).not.toContain("\n");
      }),
      { seed: 2015, numRuns: 1000 },
    );
  });

  test("the explanation does not depend on who came first", () => {
    fc.assert(
      fc.property(parties, fc.integer({ min: 1, max: 2 ** 24 }), (all, size) => {
        const list = named(all);
        expect(conflictOf([...list].reverse(), size)).toEqual(conflictOf(list, size));
      }),
      { seed: 2015 },
    );
  });
});
