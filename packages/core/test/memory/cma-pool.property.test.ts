// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type PhysAddr, physAddr } from "../../src/address.ts";
import { CmaPool } from "../../src/memory/cma-pool.ts";

const step = fc.record({
  allocate: fc.boolean(),
  pages: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })),
  order: fc.integer({ min: 0, max: 10 }),
  which: fc.nat(),
});

/** First fit over one boolean a page: the first aligned page from which `pages` pages are free. */
function firstFit(used: readonly boolean[], baseFrame: number, pages: number, order: number): number {
  const alignment = 2 ** Math.min(order, 8);
  for (let first = 0; first + pages <= used.length; first++) {
    if ((baseFrame + first) % alignment === 0 && !used.slice(first, first + pages).includes(true))
      return first;
  }
  return -1;
}

test("agrees with first fit over one boolean a page", () => {
  const base = fc.integer({ min: 0, max: 2 ** 30 });
  fc.assert(
    fc.property(
      base,
      fc.integer({ min: 1, max: 1200 }),
      fc.array(step, { maxLength: 80, size: "max" }),
      (frame, length, steps) => {
        const pool = new CmaPool("pool", physAddr(frame * 4096), length);
        const used = new Array<boolean>(length).fill(false);
        const live: { first: number; pages: number }[] = [];
        for (const { allocate, pages, order, which } of steps) {
          if (allocate || live.length === 0) {
            const first = firstFit(used, frame, pages, order);
            expect(pool.allocate(pages, order)).toBe(first < 0 ? null : (frame + first) * 4096);
            if (first < 0) continue;
            used.fill(true, first, first + pages);
            live.push({ first, pages });
          } else {
            const [{ first, pages: size }] = live.splice(which % live.length, 1) as [
              { first: number; pages: number },
            ];
            const at = ((frame + first) * 4096) as PhysAddr;
            pool.free(at, size);
            used.fill(false, first, first + size);
            expect(() => pool.free(at, size)).toThrow(TypeError);
          }
          const runs =
            used
              .map((taken) => (taken ? "x" : "."))
              .join("")
              .match(/\.+/g) ?? [];
          expect(pool.freePages).toBe(used.filter((taken) => !taken).length);
          expect(pool.largestFreeRun).toBe(Math.max(0, ...runs.map((run) => run.length)));
        }
        for (const { first, pages } of live) pool.free(((frame + first) * 4096) as PhysAddr, pages);
        expect([pool.freePages, pool.largestFreeRun]).toEqual([length, length]);
      },
    ),
    { seed: 20261120, numRuns: 150 },
  );
});
