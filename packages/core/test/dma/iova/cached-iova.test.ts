// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { CachedIova, DEPOT_DELAY } from "../../../src/dma/iova/cached-iova.ts";
import { FirstFitIova } from "../../../src/dma/iova/first-fit-iova.ts";
import { LinuxIova } from "../../../src/dma/iova/linux-iova.ts";
import { MAGAZINE_SIZE } from "../../../src/dma/iova/magazine.ts";
import { VirtualTime } from "./virtual-time.ts";

const TOP = 2 ** 20 - 1;

const allocateAll = (iova: CachedIova, count: number, size = 1): number[] =>
  Array.from({ length: count }, () => iova.allocate(size, TOP, true) as number);

test("small ranges come back in the opposite order, rounded up to a power of two", () => {
  const iova = new CachedIova(new LinuxIova());
  const [a, b, c] = allocateAll(iova, 3, 3) as [number, number, number];
  expect([a - b, b - c, a % 4]).toEqual([4, 4, 0]);
  iova.free(a, 3);
  iova.free(c, 3);
  iova.free(b, 4);
  expect(iova.cachedCount).toBe(3);
  expect(allocateAll(iova, 3, 4)).toEqual([b, c, a]);
});

test("ranges of more than 32 frames are not kept", () => {
  const allocator = new LinuxIova();
  const iova = new CachedIova(allocator);
  const [small, large] = [iova.allocate(32, TOP, true) as number, iova.allocate(33, TOP, true) as number];
  expect(iova.free(large, 33)).toBe(true);
  expect(iova.free(large, 33)).toBe(false);
  iova.free(small, 32);
  expect([iova.cachedCount, allocator.rangeCount]).toEqual([1, 1]);
});

test("each CPU has its own", () => {
  const iova = new CachedIova(new LinuxIova(), { cpus: 2 });
  const [first] = allocateAll(iova, 1) as [number];
  iova.free(first, 1, 1);
  expect(iova.allocate(1, TOP, true, 0)).toBe(first - 1);
  expect(iova.allocate(1, TOP, true, 1)).toBe(first);
});

test("of the loaded magazine the uppermost below the limit is taken, of the other none", () => {
  const iova = new CachedIova(new LinuxIova());
  const [a, b, c] = allocateAll(iova, 3) as [number, number, number];
  for (const frame of [c, b, a]) iova.free(frame, 1);
  expect(iova.allocate(1, b, true)).toBe(b);
  expect(iova.allocate(1, TOP, true)).toBe(a);
  iova.free(a, 1);
  // c is kept, but does not end below.
  expect(iova.allocate(1, c - 1, true)).toBe(c - 1);
});

test("two full magazines a CPU, then the depot; full ones come back from there", () => {
  const iova = new CachedIova(new LinuxIova());
  const frames = allocateAll(iova, 3 * MAGAZINE_SIZE + 1);
  for (const frame of frames.slice(0, 2 * MAGAZINE_SIZE)) iova.free(frame, 1);
  expect(iova.depotSize(0)).toBe(0);
  iova.free(frames[2 * MAGAZINE_SIZE] as number, 1);
  expect(iova.depotSize(0)).toBe(1);
  for (const frame of frames.slice(2 * MAGAZINE_SIZE + 1)) iova.free(frame, 1);
  expect([iova.depotSize(0), iova.cachedCount]).toEqual([2, frames.length]);
  expect(allocateAll(iova, frames.length).sort()).toEqual(frames.sort());
  expect([iova.depotSize(0), iova.cachedCount]).toEqual([0, 0]);
});

test("a depot with more than one magazine a CPU loses one every 100 ms", () => {
  const time = new VirtualTime();
  const allocator = new LinuxIova();
  const iova = new CachedIova(allocator, { timers: time });
  const frames = allocateAll(iova, 5 * MAGAZINE_SIZE + 1);
  for (const frame of frames) iova.free(frame, 1);
  expect(iova.depotSize(0)).toBe(4);
  time.pass(DEPOT_DELAY - 1);
  expect(iova.depotSize(0)).toBe(4);
  time.pass(1);
  expect([iova.depotSize(0), allocator.rangeCount]).toEqual([3, 4 * MAGAZINE_SIZE + 1]);
  time.pass(10 * DEPOT_DELAY);
  expect(iova.depotSize(0)).toBe(1);
  expect(iova.trimDepot(0)).toBe(false);
});

test("when there is no place, everything kept is freed and it is tried again, unless told not to", () => {
  const iova = new CachedIova(new LinuxIova(TOP - 63), { cpus: 2 });
  const frames = allocateAll(iova, 64);
  for (const [i, frame] of frames.entries()) iova.free(frame, 1, i % 2);
  expect(iova.allocate(64, TOP, false)).toBeNull();
  expect(iova.allocate(64, TOP, true)).toBe(TOP - 63);
  expect(iova.cachedCount).toBe(0);
  expect(iova.allocate(1, TOP, true)).toBeNull();
});

test("nothing is handed out twice, whatever comes and goes on whichever CPU", () => {
  const step = fc.record({
    size: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 1, max: 50 })),
    cpu: fc.nat(2),
    choice: fc.nat(1000),
    frees: fc.nat(40),
    limit: fc.constantFrom(2047, 2047, 1500),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: "max" }), fc.boolean(), (steps, linux) => {
      const allocator = linux ? new LinuxIova(1, 2048) : new FirstFitIova();
      const iova = new CachedIova(allocator, { cpus: 3 });
      const live = new Map<number, number>();
      for (const { size, cpu, choice, frees, limit } of steps) {
        const first = iova.allocate(size, limit, true, cpu);
        if (first !== null) {
          expect(first + size - 1).toBeLessThanOrEqual(limit);
          for (const [other, length] of live)
            expect(first + size <= other || other + length <= first).toBe(true);
          live.set(first, size);
        }
        for (let i = 0; i < frees % 4; i++) {
          const [other, length] = [...live][choice % Math.max(1, live.size)] ?? [];
          if (other === undefined || length === undefined) break;
          live.delete(other);
          iova.free(other, length, cpu);
        }
      }
      expect(allocator.rangeCount).toBe(live.size + iova.cachedCount);
      iova.flush();
      expect(allocator.rangeCount).toBe(live.size);
    }),
    { seed: 20261120, numRuns: 100 },
  );
});
