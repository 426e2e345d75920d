// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { FirstFitIova } from "../../../src/dma/iova/first-fit-iova.ts";
import { roundUpPowerOfTwo } from "../../../src/dma/iova/natural-alignment.ts";
import { numbers } from "./numbers.ts";

const FRAMES = 600;

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("allocate" as const),
      size: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 })),
      limit: fc.oneof(fc.constant(FRAMES - 1), fc.nat(FRAMES - 1)),
      aligned: fc.boolean(),
    }),
  },
  { weight: 7, arbitrary: fc.record({ op: fc.constant("free" as const), frame: fc.nat(FRAMES + 10) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("reserve" as const),
      frame: fc.nat(FRAMES),
      size: fc.integer({ min: 1, max: 30 }),
    }),
  },
);

/** The owner of each frame, 0 for none: a range is the frames with one owner. */
class Owners {
  readonly cells = new Int32Array(FRAMES + 64);
  #last = 0;

  allocate(start: number, size: number, limit: number, aligned: boolean): number | null {
    const alignment = aligned ? roundUpPowerOfTwo(size) : 1;
    for (let first = limit + 1 - size; first >= start; first--) {
      if (first % alignment !== 0 || this.cells.subarray(first, first + size).some((owner) => owner !== 0))
        continue;
      this.cells.fill(++this.#last, first, first + size);
      return first;
    }
    return null;
  }

  free(frame: number): boolean {
    const owner = this.cells[frame] as number;
    if (owner === 0) return false;
    this.cells.forEach((cell, i) => {
      if (cell === owner) this.cells[i] = 0;
    });
    return true;
  }

  reserve(first: number, end: number): void {
    // From above: what is free joins the range that follows it.
    let owner = ++this.#last;
    for (let frame = end - 1; frame >= first; frame--) {
      if (this.cells[frame] === 0) this.cells[frame] = owner;
      else owner = this.cells[frame] as number;
    }
  }

  get count(): number {
    return new Set(this.cells.filter((owner) => owner !== 0)).size;
  }
}

test("hands out the highest aligned place below the limit, and fails only when there is none", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), fc.constantFrom(1, 50), (steps, start) => {
      const iova = new FirstFitIova(start);
      const owners = new Owners();
      for (const s of steps) {
        if (s.op === "allocate") {
          const first = iova.allocate(s.size, s.limit, s.aligned);
          expect(first).toBe(owners.allocate(start, s.size, s.limit, s.aligned));
        } else if (s.op === "free") expect(iova.free(s.frame)).toBe(owners.free(s.frame));
        else {
          iova.reserve(s.frame, s.frame + s.size);
          owners.reserve(s.frame, s.frame + s.size);
        }
        expect(iova.rangeCount).toBe(owners.count);
      }
    }),
    { seed: 20261120, numRuns: 400 },
  );
});

test("thousands of ranges never overlap, are aligned, and leave one gap when all are freed", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(2 ** 22, 2 ** 40), (seed, space) => {
      const random = numbers(seed);
      const iova = new FirstFitIova(1);
      const live = new Map<number, number>();
      for (let i = 0; i < 6000; i++) {
        const value = random();
        if (live.size < 1000 || value % 2 === 0) {
          const size = 1 + (random() % 1024);
          const first = iova.allocate(size, space - 1);
          if (first === null) continue;
          expect(first % roundUpPowerOfTwo(size)).toBe(0);
          expect(first + size).toBeLessThanOrEqual(space);
          live.set(first, size);
        } else {
          const firsts = live.keys();
          for (let skip = value % 16; skip > 0; skip--) firsts.next();
          const { value: first } = firsts.next() as { value: number };
          expect(iova.free(first)).toBe(true);
          live.delete(first);
        }
      }
      const sorted = [...live].sort(([a], [b]) => a - b);
      for (const [i, [first]] of sorted.entries()) {
        const [before, size] = sorted[i - 1] ?? [0, 1];
        expect(first).toBeGreaterThanOrEqual(before + size);
      }
      for (const [first] of sorted) iova.free(first);
      expect(iova.rangeCount).toBe(0);
      expect(iova.allocate(space - 1, space - 1, false)).toBe(1);
    }),
    { seed: 20261120, numRuns: 4 },
  );
}, 60_000);
