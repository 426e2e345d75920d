// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { IntervalMap } from "../../src/memory/interval-map.ts";

/** What an IntervalMap means, one array element a key: key number i stands for base + i * step. */
class Reference {
  readonly cells: Int32Array;

  constructor(length: number) {
    this.cells = new Int32Array(length);
  }

  runs(from: number, to: number): [value: number, start: number, end: number][] {
    const list: [number, number, number][] = [];
    for (let i = from; i < to; i++) {
      const value = this.cells[i] as number;
      const last = list.at(-1);
      if (last?.[0] === value) last[2] = i + 1;
      else list.push([value, i, i + 1]);
    }
    return list;
  }
}

const LENGTH = 4096;

type Step =
  | { readonly op: "set"; readonly from: number; readonly to: number; readonly value: number }
  | {
      readonly op: "comb";
      readonly from: number;
      readonly to: number;
      readonly stride: number;
      readonly value: number;
    }
  | { readonly op: "update"; readonly from: number; readonly to: number; readonly table: readonly number[] }
  | {
      readonly op: "each";
      readonly ranges: readonly { readonly from: number; readonly to: number }[];
      readonly table: readonly number[];
    }
  | { readonly op: "fail"; readonly from: number; readonly to: number; readonly after: number }
  | { readonly op: "read"; readonly at: number };

const value = fc.integer({ min: 0, max: 3 });
const range = fc
  .tuple(fc.nat(LENGTH), fc.oneof(fc.nat(4), fc.nat(200), fc.nat(LENGTH)))
  .map(([from, length]) => ({ from, to: Math.min(LENGTH, from + length) }));
/** Ranges in any order, or as a buffer has them: ascending, with small gaps or none. */
const ranges = fc.oneof(
  fc.array(range, { maxLength: 6 }),
  fc
    .tuple(
      fc.nat(LENGTH / 2),
      fc.array(fc.record({ gap: fc.nat(3), length: fc.nat(20) }), { maxLength: 60, size: "max" }),
    )
    .map(([first, list]) => {
      let at = first;
      return list.map(({ gap, length }) => {
        const from = at + gap;
        at = from + length;
        return { from, to: at };
      });
    }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(range, value).map(([r, v]) => ({ op: "set" as const, ...r, value: v })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(range, fc.integer({ min: 2, max: 9 }), value)
      .map(([r, stride, v]) => ({ op: "comb" as const, ...r, stride, value: v })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(range, fc.array(value, { minLength: 4, maxLength: 4 }))
      .map(([r, table]) => ({ op: "update" as const, ...r, table })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(ranges, fc.array(value, { minLength: 4, maxLength: 4 }))
      .map(([list, table]) => ({ op: "each" as const, ranges: list, table })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(range, fc.nat(50)).map(([r, after]) => ({ op: "fail" as const, ...r, after })),
  },
  { weight: 3, arbitrary: fc.nat(LENGTH - 1).map((at) => ({ op: "read" as const, at })) },
);

function check(map: IntervalMap, reference: Reference, base: number, width: number): void {
  const expected = reference.runs(0, LENGTH);
  const actual: [number, number, number][] = [];
  map.forEach(map.start, map.end, (v, start, end) =>
    actual.push([v, (start - base) / width, (end - base) / width]),
  );
  expect(actual).toEqual(expected);
  expect(map.runCount).toBe(expected.length);
}

function run(steps: readonly Step[], base: number, width: number): void {
  const map = new IntervalMap(base, base + LENGTH * width, 0);
  const reference = new Reference(LENGTH);
  const key = (i: number) => base + i * width;
  for (const s of steps) {
    if (s.op === "set") {
      map.set(key(s.from), key(s.to), s.value);
      reference.cells.fill(s.value, s.from, s.to);
    } else if (s.op === "comb") {
      for (let i = s.from; i < s.to; i += s.stride) {
        map.set(key(i), key(i + 1), s.value);
        reference.cells[i] = s.value;
      }
    } else if (s.op === "update") {
      const calls: [number, number, number][] = [];
      map.update(key(s.from), key(s.to), (v, start, end) => {
        calls.push([v, (start - base) / width, (end - base) / width]);
        return s.table[v] as number;
      });
      expect(calls).toEqual(reference.runs(s.from, s.to));
      for (let i = s.from; i < s.to; i++)
        reference.cells[i] = s.table[reference.cells[i] as number] as number;
    } else if (s.op === "each") {
      const calls: [number, number, number][] = [];
      const expected: [number, number, number][] = [];
      const pairs = Float64Array.from(s.ranges.flatMap(({ from, to }) => [key(from), key(to)]));
      map.updateEach(pairs, (v, start, end) => {
        calls.push([v, (start - base) / width, (end - base) / width]);
        return s.table[v] as number;
      });
      for (const { from, to } of s.ranges) {
        expected.push(...reference.runs(from, to));
        for (let i = from; i < to; i++) reference.cells[i] = s.table[reference.cells[i] as number] as number;
      }
      expect(calls).toEqual(expected);
    } else if (s.op === "fail") {
      let left = s.after;
      const fails = reference.runs(s.from, s.to).length > s.after;
      const update = () =>
        map.update(key(s.from), key(s.to), (v) => {
          if (left-- === 0) throw new RangeError("refused");
          // What does not throw must change nothing either, so that the reference needs no second branch.
          return fails ? v + 1 : v;
        });
      if (fails) expect(update).toThrow(RangeError);
      else update();
    } else {
      expect(map.at(key(s.at))).toBe(reference.cells[s.at]);
      const [, , end] = reference.runs(s.at, LENGTH)[0] as [number, number, number];
      expect(map.runEnd(key(s.at))).toBe(key(end));
    }
    if (s.op !== "read") expect(map.runCount).toBe(reference.runs(0, LENGTH).length);
  }
  check(map, reference, base, width);
}

test("agrees with one array element a key, whatever is done", () => {
  const place = fc.constantFrom([0, 1] as const, [2 ** 41 + 4096, 64] as const, [2 ** 52, 1] as const);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), place, (steps, [base, width]) =>
      run(steps, base, width),
    ),
    { seed: 20261120, numRuns: 300 },
  );
});

test("agrees while thousands of runs appear and vanish, so that chunks split, move and merge", () => {
  const comb: Step = { op: "comb", from: 0, to: LENGTH, stride: 2, value: 1 };
  const odd: Step = { op: "comb", from: 1, to: LENGTH, stride: 4, value: 2 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30, size: "max" }), (steps) => {
      run(
        steps.flatMap((s, i) => (i % 3 === 0 ? [comb, odd, s] : [s])),
        2 ** 40,
        4096,
      );
    }),
    { seed: 20261120, numRuns: 60 },
  );
});

test("isolated runs in any order come and go one by one", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(2047), { minLength: 600, maxLength: 1500, size: "max" }), (places) => {
      const map = new IntervalMap(0, LENGTH, 0);
      for (const [i, place] of places.entries()) {
        map.set(2 * place, 2 * place + 1, 7);
        if (i % 100 === 0) expect(map.at(2 * place)).toBe(7);
      }
      const first = places.includes(0) ? 0 : 1;
      expect(map.runCount).toBe(2 * places.length + first);
      for (const place of places.toReversed()) map.update(2 * place, 2 * place + 1, () => 0);
      expect(map.runCount).toBe(1);
    }),
    { seed: 20261120, numRuns: 40 },
  );
});
