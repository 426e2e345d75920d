// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type PhysAddr, physAddr } from "../../src/address.ts";
import { PageAllocator } from "../../src/memory/page-allocator.ts";
import type { ScatterOptions } from "../../src/memory/scatter.ts";

const PAGE = 4096;
const FOUR_GIB = 2 ** 32;

/** Ascending, disjoint ranges of pages, some of them across 4 GiB, from gaps and lengths. */
const ranges = fc
  .tuple(
    fc.constantFrom(0, FOUR_GIB - 900 * PAGE, FOUR_GIB + 2 ** 30),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 2500 })), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([base, pieces]) => {
    let at = base;
    return pieces.map(([gap, length]): [number, number] => {
      const start = at + gap * PAGE;
      at = start + length * PAGE;
      return [start, at];
    });
  });

const scatter = fc.option(
  fc.record({ seed: fc.integer(), order: fc.integer({ min: 0, max: 10 }) }) as fc.Arbitrary<ScatterOptions>,
  { nil: undefined },
);

const step = fc.record({
  allocate: fc.boolean(),
  order: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 10 })),
  dma32: fc.boolean(),
  which: fc.nat(),
});

/** The free blocks that a set of free pages must have: the largest aligned ones, computed page by page. */
function blocks(free: ReadonlySet<number>, zone: "dma32" | "normal"): number[] {
  const counts = new Array<number>(11).fill(0);
  const whole = (first: number, order: number) => {
    for (let i = 0; i < 2 ** order; i++) if (!free.has(first + i)) return false;
    return true;
  };
  const left = new Set([...free].filter((page) => page * PAGE < FOUR_GIB === (zone === "dma32")));
  for (let order = 10; order >= 0; order--) {
    for (const page of [...left]) {
      if (page % 2 ** order !== 0 || !left.has(page) || !whole(page, order)) continue;
      for (let i = 0; i < 2 ** order; i++) left.delete(page + i);
      counts[order] = (counts[order] as number) + 1;
    }
  }
  return counts;
}

const freeBlocks = (pages: PageAllocator, zone: "dma32" | "normal") =>
  Array.from({ length: 11 }, (_, order) => pages.freeBlocks(order, zone));

test("allocations are aligned, disjoint, in RAM and in their zone; fail only when no block is large enough", () => {
  fc.assert(
    fc.property(ranges, scatter, fc.array(step, { maxLength: 60, size: "max" }), (ram, places, steps) => {
      const pages = new PageAllocator(ram, places);
      const free = new Set<number>();
      for (const [start, end] of ram) for (let at = start; at < end; at += PAGE) free.add(at / PAGE);
      const total = free.size;
      const initial = { dma32: freeBlocks(pages, "dma32"), normal: freeBlocks(pages, "normal") };
      expect(initial).toEqual({ dma32: blocks(free, "dma32"), normal: blocks(free, "normal") });

      const live: { at: PhysAddr; order: number }[] = [];
      for (const { allocate, order, dma32, which } of steps) {
        if (allocate || live.length === 0) {
          const possible = (zone: "dma32" | "normal") =>
            freeBlocks(pages, zone).some((n, o) => o >= order && n > 0);
          const [fromNormal, fromDma32] = [!dma32 && possible("normal"), possible("dma32")];
          const at = pages.allocatePages(order, dma32 ? "dma32" : "normal");
          if (at === null) {
            expect([fromNormal, fromDma32]).toEqual([false, false]);
            continue;
          }
          expect(at >= FOUR_GIB).toBe(fromNormal);
          expect(at % (PAGE * 2 ** order)).toBe(0);
          for (let i = 0; i < 2 ** order; i++) expect(free.delete(at / PAGE + i)).toBe(true);
          live.push({ at, order });
        } else {
          const [{ at, order: size }] = live.splice(which % live.length, 1) as [
            { at: PhysAddr; order: number },
          ];
          pages.freePages(at, size);
          for (let i = 0; i < 2 ** size; i++) free.add(at / PAGE + i);
          expect(() => pages.freePages(at, size)).toThrow(TypeError);
        }
        expect(pages.freePageCount()).toBe(free.size);
      }
      expect(freeBlocks(pages, "dma32")).toEqual(blocks(free, "dma32"));
      expect(freeBlocks(pages, "normal")).toEqual(blocks(free, "normal"));

      for (const { at, order } of live) pages.freePages(at, order);
      expect(pages.freePageCount()).toBe(total);
      expect({ dma32: freeBlocks(pages, "dma32"), normal: freeBlocks(pages, "normal") }).toEqual(initial);
    }),
    { seed: 20261120, numRuns: 120 },
  );
});

test("what was given back comes out again exactly as from a new allocator", () => {
  fc.assert(
    fc.property(
      ranges,
      fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 80, size: "max" }),
      fc.nat(),
      (ram, orders, seed) => {
        const all = (pages: PageAllocator) => orders.map((order) => pages.allocatePages(order));
        const used = new PageAllocator(ram);
        const taken = all(used).map((at, i) => [at, orders[i] as number] as const);
        // Given back in an order that the seed decides, not in that of the allocations.
        const places = taken
          .map((_, i) => [(i * 2654435761 + seed) % 4294967296, i] as const)
          .toSorted((a, b) => a[0] - b[0]);
        for (const [, i] of places) {
          const [at, order] = taken[i] as (typeof taken)[number];
          if (at !== null) used.freePages(physAddr(at), order);
        }
        expect(all(used)).toEqual(all(new PageAllocator(ram)));
      },
    ),
    { seed: 20261120, numRuns: 100 },
  );
});
