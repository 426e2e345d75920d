// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { LinuxIova } from "../../../src/dma/iova/linux-iova.ts";
import { NaiveIova } from "./naive-iova.ts";
import { numbers } from "./numbers.ts";

type Step =
  | { readonly op: "allocate"; readonly size: number; readonly limit: number; readonly aligned: boolean }
  | { readonly op: "free"; readonly choice: number }
  | { readonly op: "free at"; readonly frame: number }
  | { readonly op: "reserve"; readonly first: number; readonly size: number };

/** Frames below "4 GiB" of the small spaces that are tested: full soon, so that every failure happens. */
const DMA32 = 512;

const limit = fc.constantFrom(DMA32 - 1, DMA32 - 1, DMA32 / 4 - 1, DMA32 / 2 + 3, 2 * DMA32 - 1, 3 * DMA32);
const size = fc.oneof(
  fc.constantFrom(1, 2, 4, 8, 16),
  fc.integer({ min: 1, max: 70 }),
  fc.integer({ min: 1, max: 700 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("allocate" as const),
      size,
      limit,
      aligned: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.boolean()),
    }),
  },
  { weight: 7, arbitrary: fc.record({ op: fc.constant("free" as const), choice: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("free at" as const), frame: fc.nat(4 * DMA32) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("reserve" as const),
      first: fc.nat(4 * DMA32),
      size: fc.integer({ min: 1, max: 60 }),
    }),
  },
);

function run(steps: readonly Step[], start: number): void {
  const iova = new LinuxIova(start, DMA32);
  const naive = new NaiveIova(start, DMA32);
  const live: number[] = [];
  for (const s of steps) {
    if (s.op === "allocate") {
      const first = iova.allocate(s.size, s.limit, s.aligned);
      expect(first).toBe(naive.allocate(s.size, s.limit, s.aligned));
      if (first !== null) live.push(first);
    } else if (s.op === "free") {
      if (live.length === 0) continue;
      const [frame] = live.splice(s.choice % live.length, 1) as [number];
      expect(iova.free(frame)).toBe(naive.free(frame));
    } else if (s.op === "free at") {
      expect(iova.free(s.frame)).toBe(naive.free(s.frame));
    } else {
      iova.reserve(s.first, s.first + s.size);
      naive.reserve(s.first, s.first + s.size);
    }
    expect(iova.rangeCount).toBe(naive.list.length - 1);
  }
}

test("answers as Linux does, whatever is allocated, freed and reserved", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120, size: "max" }),
      fc.constantFrom(1, 1, 7, 100),
      (steps, start) => run(steps, start),
    ),
    { seed: 20261120, numRuns: 600 },
  );
});

test("answers as Linux does while thousands of ranges come and go", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(2 ** 24, 2 ** 36), (seed, space) => {
      const random = numbers(seed);
      const iova = new LinuxIova(1, 2 ** 20);
      const naive = new NaiveIova(1, 2 ** 20);
      const live: number[] = [];
      for (let i = 0; i < 6000; i++) {
        const value = random();
        const target = i % 2000 < 1000 ? 900 : 200;
        if (live.length < target && (live.length < target / 2 || value % 2 === 0)) {
          const pages = 1 + (value % 5000 < 4000 ? value % 1024 : value % 60_000);
          const top = (value % 3 === 0 ? 2 ** 20 : space) - 1;
          const first = iova.allocate(pages, top);
          expect(first).toBe(naive.allocate(pages, top, true));
          if (first !== null) live.push(first);
        } else {
          const index = value % live.length;
          const frame = live[index] as number;
          live[index] = live.at(-1) as number;
          live.pop();
          const last = naive.list.find(({ low }) => low === frame)?.high;
          expect(iova.free(last ?? -1)).toBe(true);
          naive.free(frame);
        }
      }
    }),
    { seed: 20261120, numRuns: 6 },
  );
}, 60_000);
