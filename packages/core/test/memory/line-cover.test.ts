// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { Extents } from "../../src/coherency.ts";
import { lineCover, pairsContain } from "../../src/memory/line-cover.ts";

const cover = (line: number, ...ranges: [number, number][]) => {
  const { inRange, neighbours, lines } = lineCover(new Extents(Float64Array.from(ranges.flat())), line);
  return { inRange: [...inRange], neighbours: [...neighbours], lines };
};

describe("the cover of ranges by lines", () => {
  it("of whole lines has no neighbours", () => {
    expect(cover(64, [64, 256], [512, 576])).toEqual({
      inRange: [64, 256, 512, 576],
      neighbours: [],
      lines: 4,
    });
  });

  it("has what is before and after a range in its first and last line", () => {
    expect(cover(64, [70, 300])).toEqual({ inRange: [70, 300], neighbours: [64, 70, 300, 320], lines: 4 });
    expect(cover(64, [70, 71])).toEqual({ inRange: [70, 71], neighbours: [64, 70, 71, 128], lines: 1 });
  });

  it("counts a line once that several ranges meet, and what lies between them as neighbours", () => {
    expect(cover(64, [10, 20], [30, 40], [60, 70])).toEqual({
      inRange: [10, 20, 30, 40, 60, 70],
      neighbours: [0, 10, 20, 30, 40, 60, 70, 128],
      lines: 2,
    });
  });

  it("sorts ranges and joins those that overlap, for a buffer may use its pages in any order and twice", () => {
    expect(cover(64, [4096, 8192], [0, 4096], [4096, 8192])).toEqual({
      inRange: [0, 8192],
      neighbours: [],
      lines: 128,
    });
    expect(cover(4, [9, 12], [1, 3], [2, 6])).toEqual({
      inRange: [1, 6, 9, 12],
      neighbours: [0, 1, 6, 8, 8, 9],
      lines: 3,
    });
  });

  it("of bytes is the bytes", () => {
    expect(cover(1, [3, 5], [7, 8])).toEqual({ inRange: [3, 5, 7, 8], neighbours: [], lines: 3 });
  });

  it("holds above 2^32", () => {
    const base = 2 ** 40 + 2 ** 32;
    expect(cover(64, [base - 1, base + 1])).toEqual({
      inRange: [base - 1, base + 1],
      neighbours: [base - 64, base - 1, base + 1, base + 64],
      lines: 2,
    });
  });

  it("is worked out once for each line", () => {
    const extents = Extents.of([1, 2]);
    expect(lineCover(extents, 64)).toBe(lineCover(extents, 64));
    expect(lineCover(extents, 64)).not.toBe(lineCover(extents, 32));
  });
});

it("pairs contain what lies in one of them", () => {
  const pairs = Float64Array.of(2, 4, 6, 7, 2 ** 40, 2 ** 41);
  const inside = [0, 1, 2, 3, 4, 5, 6, 7, 2 ** 40 - 1, 2 ** 40, 2 ** 41 - 1, 2 ** 41].map((at) =>
    pairsContain(pairs, at),
  );
  expect(inside.map(Number).join("")).toBe("001100100110");
  expect(pairsContain(new Float64Array(0), 0)).toBe(false);
});
