// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stricterIn } from "../../../src/buffer/constraint/intersect.ts";
import {
  capacity,
  checkMemory,
  conflictOf,
  type DmaConstraints,
  Extents,
  intersect,
  intersectAll,
  KernelError,
  satisfiable,
  scatterlistFor,
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

describe("a list for one importer (D14)", () => {
  const PAGE = 4096;
  const memory = fc
    .array(fc.tuple(fc.nat(64), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 5 })
    .map((ranges) =>
      Extents.each(
        ranges.map(([page]) => page * PAGE),
        ranges.map(([page, pages]) => (page + pages) * PAGE),
      ),
    );

  test("the same bytes in order, no piece too long or across a boundary, none joined; or no list at all", () => {
    fc.assert(
      fc.property(constraints, memory, (limits, extents) => {
        const { maxSegmentSize, segmentBoundaryMask: mask } = limits;
        const most = limits.contiguous ? Math.min(1, limits.maxSegmentCount) : limits.maxSegmentCount;
        // The fewest pieces, counted byte by byte where a piece has to end.
        let fewest = 0;
        for (let i = 0; i < extents.count; i++) {
          const end = extents.ends[i] as number;
          for (let at = extents.starts[i] as number; at < end && maxSegmentSize > 0; fewest++) {
            let stop = at + 512;
            while (stop < end && stop - at < maxSegmentSize && stop % (mask + 1) !== 0) stop += 512;
            at = stop;
          }
        }
        if (maxSegmentSize === 0 || fewest > most) {
          expect(() => scatterlistFor(limits, { extents })).toThrow(KernelError);
          return;
        }
        const pieces = [...scatterlistFor(limits, { extents }).entries()];
        expect(pieces.length).toBe(fewest);
        let at = 0;
        for (const { address, length } of pieces) {
          expect(length).toBeLessThanOrEqual(maxSegmentSize);
          expect(Math.floor(address / (mask + 1))).toBe(Math.floor((address + length - 1) / (mask + 1)));
          expect(extents.addressAt(at)).toBe(address);
          expect(extents.addressAt(at + length - 1)).toBe(address + length - 1);
          at += length;
        }
        expect(at).toBe(extents.bytes);
        const fits = checkMemory(limits, { extents }).length === 0;
        expect(fits, "what suits as it lies is not cut").toBe(pieces.length === extents.count);
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
