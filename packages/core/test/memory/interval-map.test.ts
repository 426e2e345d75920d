// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { IntervalMap } from "../../src/memory/interval-map.ts";

const runs = (map: IntervalMap, start = map.start, end = map.end): [number, number, number][] => {
  const list: [number, number, number][] = [];
  map.forEach(start, end, (value, from, to) => list.push([value, from, to]));
  return list;
};

describe("IntervalMap", () => {
  test("a new map is one run of the initial value", () => {
    const map = new IntervalMap(10, 20, -7);
    expect([map.start, map.end, map.runCount]).toEqual([10, 20, 1]);
    expect(runs(map)).toEqual([[-7, 10, 20]]);
  });

  test("set cuts, joins and covers runs", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    map.set(40, 60, 1);
    expect(runs(map)).toEqual([
      [0, 0, 20],
      [1, 20, 60],
      [0, 60, 100],
    ]);
    map.set(30, 50, 0);
    expect(map.runCount).toBe(5);
    map.set(10, 100, 0);
    expect(runs(map)).toEqual([[0, 0, 100]]);
  });

  test("at and runEnd answer for single addresses, up to the last before the end", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    expect([19, 20, 39, 40, 99].map((address) => map.at(address))).toEqual([0, 1, 1, 0, 0]);
    expect([19, 20, 39, 40, 99].map((address) => map.runEnd(address))).toEqual([20, 40, 40, 100, 100]);
  });

  test("forEach visits the parts of runs that lie in its range", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    expect(runs(map, 30, 50)).toEqual([
      [1, 30, 40],
      [0, 40, 50],
    ]);
    expect(runs(map, 30, 30)).toEqual([]);
  });

  test("update calls the transition once for each run in the range and merges what it returns", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    map.set(40, 60, 2);
    const calls: [number, number, number][] = [];
    map.update(10, 50, (value, start, end) => {
      calls.push([value, start, end]);
      return 2;
    });
    expect(calls).toEqual([
      [0, 10, 20],
      [1, 20, 40],
      [2, 40, 50],
    ]);
    expect(runs(map)).toEqual([
      [0, 0, 10],
      [2, 10, 60],
      [0, 60, 100],
    ]);
  });

  test("an empty range touches nothing, wherever it lies", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(100, 100, 1);
    map.update(0, 0, () => expect.unreachable());
    map.forEach(50, 50, () => expect.unreachable());
    expect(map.runCount).toBe(1);
  });

  test.each([
    [-1, 5],
    [5, 101],
    [6, 5],
    [Number.NaN, 5],
    [5, Number.NaN],
    [5, Number.POSITIVE_INFINITY],
  ])("refuses the range [%d, %d)", (start, end) => {
    const map = new IntervalMap(0, 100, 0);
    expect(() => map.set(start, end, 1)).toThrow(TypeError);
    expect(() => map.update(start, end, () => 1)).toThrow(TypeError);
    expect(() => map.forEach(start, end, () => {})).toThrow(TypeError);
    expect(map.runCount).toBe(1);
  });

  test.each([-1, 100, Number.NaN])("refuses the address %d", (address) => {
    const map = new IntervalMap(0, 100, 0);
    expect(() => map.at(address)).toThrow(TypeError);
    expect(() => map.runEnd(address)).toThrow("is not within [0, 100)");
  });

  test.each([
    [0, 0],
    [5, 4],
    [Number.NaN, 4],
    [0, 2 ** 54],
    [-(2 ** 54), 0],
  ])("refuses the space [%d, %d)", (start, end) => {
    expect(() => new IntervalMap(start, end, 0)).toThrow(TypeError);
  });

  test.each([0.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN])("refuses the value %d", (value) => {
    const map = new IntervalMap(0, 100, 0);
    expect(() => map.set(0, 10, value)).toThrow(TypeError);
    expect(() => map.update(0, 10, () => value)).toThrow(TypeError);
    expect(() => new IntervalMap(0, 100, value)).toThrow(TypeError);
    expect(runs(map)).toEqual([[0, 0, 100]]);
  });

  test("holds the smallest and the largest int32, and keys up to 2^53", () => {
    const map = new IntervalMap(0, 2 ** 53, -(2 ** 31));
    map.set(2 ** 53 - 1, 2 ** 53, 2 ** 31 - 1);
    expect(runs(map)).toEqual([
      [-(2 ** 31), 0, 2 ** 53 - 1],
      [2 ** 31 - 1, 2 ** 53 - 1, 2 ** 53],
    ]);
  });

  test("a transition that throws changes nothing, and the map works on", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    const before = runs(map);
    const update = () =>
      map.update(0, 100, (_, start) => {
        if (start >= 40) throw new RangeError("no");
        return 9;
      });
    expect(update).toThrow(RangeError);
    expect(runs(map)).toEqual(before);
    map.set(0, 100, 3);
    expect(runs(map)).toEqual([[3, 0, 100]]);
  });

  test("updateEach refuses a bad range before anything changes", () => {
    const map = new IntervalMap(0, 100, 0);
    expect(() => map.updateEach(Float64Array.of(0, 10, 90, 101), () => 1)).toThrow(TypeError);
    expect(map.runCount).toBe(1);
  });

  test("updateEach stores ranges together that one run parts, and keeps what it stored when a transition throws", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(50, 55, 5);
    const update = () =>
      map.updateEach(Float64Array.of(0, 10, 20, 30, 60, 70, 80, 90), (_, start) => {
        if (start === 80) throw new RangeError("no");
        expect(() => map.updateEach(Float64Array.of(0, 1), (v) => v)).toThrow("while it is being visited");
        return 1;
      });
    expect(update).toThrow(RangeError);
    expect(runs(map)).toEqual([
      [1, 0, 10],
      [0, 10, 20],
      [1, 20, 30],
      [0, 30, 50],
      [5, 50, 55],
      [0, 55, 100],
    ]);
  });

  test("may be read in a callback, not changed", () => {
    const map = new IntervalMap(0, 100, 0);
    map.set(20, 40, 1);
    const seen: number[] = [];
    map.update(0, 100, (value, start) => {
      map.forEach(0, 100, (other) => seen.push(other));
      expect(() => map.set(0, 1, 1)).toThrow(TypeError);
      expect(() => map.update(0, 1, (v) => v)).toThrow(TypeError);
      return map.at(start) + value;
    });
    expect(seen).toEqual([0, 1, 0, 0, 1, 0, 0, 1, 0]);
    expect(runs(map).map(([value]) => value)).toEqual([0, 2, 0]);
    map.forEach(0, 100, () => {
      map.forEach(0, 100, () => {});
      expect(() => map.set(0, 1, 1)).toThrow("while it is being visited");
    });
    map.set(0, 100, 0);
    expect(map.runCount).toBe(1);
  });

  test("a visitor that throws leaves the map usable", () => {
    const map = new IntervalMap(0, 100, 0);
    const stop = () => {
      throw new RangeError("stop");
    };
    expect(() => map.forEach(0, 100, stop)).toThrow(RangeError);
    map.set(0, 50, 1);
    expect(map.runCount).toBe(2);
  });

  test("holds hundreds of thousands of runs and gives them up at once", () => {
    const map = new IntervalMap(0, 2 ** 20, 0);
    for (let i = 0; i < 2 ** 18; i++) {
      // An odd multiplier visits every fourth address once, in no order.
      const address = ((i * 40503) % 2 ** 18) * 4;
      map.set(address, address + 1, 1 + (i & 1));
    }
    expect(map.runCount).toBe(2 ** 19);
    let count = 0;
    map.update(0, 2 ** 20, (value) => {
      count++;
      return value === 0 ? 0 : 1;
    });
    expect([count, map.runCount]).toEqual([2 ** 19, 2 ** 19]);
    map.update(1, 2 ** 20 - 4, () => 1);
    expect(runs(map)).toEqual([
      [1, 0, 2 ** 20 - 3],
      [0, 2 ** 20 - 3, 2 ** 20],
    ]);
  });
});
