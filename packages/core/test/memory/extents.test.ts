// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Extents } from "../../src/memory/extents.ts";

const pairs = (extents: Extents) => Array.from(extents.starts, (start, i) => [start, extents.ends[i]]);

describe("Extents", () => {
  test("keeps ranges in the buffer's order and merges those that touch", () => {
    const extents = Extents.of([0x5000, 0x6000], [0x6000, 0x7000], [0x1000, 0x2000]);
    expect(pairs(extents)).toEqual([
      [0x5000, 0x7000],
      [0x1000, 0x2000],
    ]);
    expect([extents.count, extents.bytes, [...extents.offsets]]).toEqual([2, 0x3000, [0, 0x2000]]);
  });

  test("refuses empty and reversed ranges", () => {
    expect(() => Extents.of([0x1000, 0x1000])).toThrow(TypeError);
    expect(() => Extents.of([0x2000, 0x1000])).toThrow(TypeError);
    expect(() => Extents.of([0, Number.NaN])).toThrow(TypeError);
  });

  test("refuses offsets and parts outside", () => {
    const extents = Extents.of([0x5000, 0x7000]);
    for (const offset of [-1, 0x2000, Number.NaN]) expect(() => extents.addressAt(offset)).toThrow(TypeError);
    for (const [offset, length] of [
      [-1, 2],
      [0, 0],
      [0x1fff, 2],
      [0, Number.NaN],
    ] as const) {
      expect(() => extents.slice(offset, length)).toThrow(TypeError);
    }
  });

  test("a part that is everything is the list itself", () => {
    const extents = Extents.of([0x5000, 0x7000]);
    expect(extents.slice(0, 0x2000)).toBe(extents);
  });

  test("a buffer that aliases itself answers with the first offset", () => {
    expect(Extents.of([0x1000, 0x2000], [0x5000, 0x6000], [0x1000, 0x2000]).offsetOf(0x1800)).toBe(0x800);
  });

  test("agrees with a list of the addresses of single bytes", () => {
    const range = fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 40 }));
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        (ranges, from, to) => {
          const base = 2 ** 40;
          const extents = Extents.of(
            ...ranges.map(([start, length]) => [base + start, base + start + length] as const),
          );
          const bytes = ranges.flatMap(([start, length]) =>
            Array.from({ length }, (_, i) => base + start + i),
          );
          expect(extents.bytes).toBe(bytes.length);
          expect(bytes.map((_, offset) => extents.addressAt(offset))).toEqual(bytes);
          for (let address = base - 1; address <= base + 240; address++) {
            expect(extents.offsetOf(address)).toBe(bytes.indexOf(address));
          }
          const offset = from % bytes.length;
          const length = 1 + (to % (bytes.length - offset));
          const part = extents.slice(offset, length);
          const expected = bytes.slice(offset, offset + length);
          expect(expected.map((_, i) => part.addressAt(i))).toEqual(expected);
          expect(part.bytes).toBe(length);
        },
      ),
      { seed: 20261120, numRuns: 200 },
    );
  });
});
