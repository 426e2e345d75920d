// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { lockedRegion } from "../src/mali/lock-region.ts";

test.each([
  // One page: the least that can be locked is 32 KiB.
  [0x1000, 0x1000, 0, 0x8000],
  [0x9000, 0x1000, 0x8000, 0x8000],
  // Two pages on both sides of a boundary of 32 KiB and of 64 KiB.
  [0x7000, 0x2000, 0, 0x1_0000],
  [0xf000, 0x2000, 0, 0x2_0000],
  // On both sides of 2 GiB: all of the lower 4 GiB.
  [0x7fff_f000, 0x2000, 0, 2 ** 32],
  // A buffer of 2 MiB at its own alignment is itself.
  [0x4020_0000, 0x20_0000, 0x4020_0000, 0x20_0000],
  // Everything.
  [0, 2 ** 48, 0, 2 ** 48],
])("[%i, +%i) locks %i, +%i", (start, size, lockedStart, lockedSize) => {
  expect(lockedRegion(start, size)).toEqual({ start: lockedStart, size: lockedSize });
});

test("the region holds what was asked for, is aligned to its size, and half of it would not do", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 30), fc.integer({ min: 1, max: 2 ** 24 }), (page, size) => {
      const start = page * 4096;
      const region = lockedRegion(start, size);
      expect(region.start % region.size).toBe(0);
      expect(region.start <= start && start + size <= region.start + region.size).toBe(true);
      const half = region.start + region.size / 2;
      expect(region.size === 2 ** 15 || (start < half && start + size > half)).toBe(true);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});
