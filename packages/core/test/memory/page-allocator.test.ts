// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type PhysAddr, physAddr } from "../../src/address.ts";
import { PageAllocator } from "../../src/memory/page-allocator.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const low = [0, 64 * MiB] as const;
const high = [8 * GiB, 8 * GiB + 16 * MiB] as const;

const drain = (pages: PageAllocator, order: number, zone?: "dma32" | "normal"): PhysAddr[] => {
  const taken: PhysAddr[] = [];
  for (let at = pages.allocatePages(order, zone); at !== null; at = pages.allocatePages(order, zone))
    taken.push(at);
  return taken;
};

describe("zones", () => {
  test("a request prefers the normal zone and falls back to DMA32", () => {
    const pages = new PageAllocator([low, high]);
    const taken = drain(pages, 10);
    expect(taken.slice(0, 4).map((at) => at >= 8 * GiB)).toEqual([true, true, true, true]);
    expect(taken.slice(4).every((at) => at < 64 * MiB)).toBe(true);
    expect(taken).toHaveLength(20);
  });

  test("a request for DMA32 never comes from the normal zone", () => {
    const pages = new PageAllocator([low, high]);
    expect(drain(pages, 10, "dma32")).toHaveLength(16);
    expect(pages.freePageCount("dma32")).toBe(0);
    expect(pages.freePageCount("normal")).toBe(4096);
    expect(pages.freePageCount()).toBe(4096);
  });

  test("a board without high RAM has DMA32 only, and serves everything from it", () => {
    const pages = new PageAllocator([low]);
    expect([pages.pageCount("normal"), pages.pageCount("dma32"), pages.pageCount()]).toEqual([
      0, 16384, 16384,
    ]);
    expect(pages.allocatePages(0, "normal")).toBe(0);
  });

  test("a bank across 4 GiB belongs to both zones", () => {
    const pages = new PageAllocator([[4 * GiB - 4 * MiB, 4 * GiB + 4 * MiB]]);
    expect([pages.pageCount("dma32"), pages.pageCount("normal")]).toEqual([1024, 1024]);
    expect([pages.allocatePages(10), pages.allocatePages(10)]).toEqual([4 * GiB, 4 * GiB - 4 * MiB]);
  });
});

describe("blocks", () => {
  test("the lowest smallest block is taken, the lower half of a split first", () => {
    const pages = new PageAllocator([[0x10_0000, 0x80_0000]]);
    expect([0, 0, 1, 0].map((order) => pages.allocatePages(order))).toEqual([
      0x10_0000, 0x10_1000, 0x10_2000, 0x10_4000,
    ]);
    expect(pages.freeBlocks(0, "dma32")).toBe(1);
  });

  test("RAM that is not aligned to blocks is freed in the largest that fit", () => {
    const pages = new PageAllocator([[0x1000, 0x8000]]);
    expect([0, 1, 2, 3].map((order) => pages.freeBlocks(order, "dma32"))).toEqual([1, 1, 1, 0]);
    expect(pages.allocatePages(3)).toBe(null);
    expect(pages.allocatePages(2)).toBe(0x4000);
  });

  test("blocks do not join across a hole, however small the pieces", () => {
    const pages = new PageAllocator([
      [0, 0x1000],
      [0x2000, 0x4000],
      [40 * MiB, 40 * MiB + 0x1000],
    ]);
    const taken = drain(pages, 0);
    expect(taken).toEqual([0, 40 * MiB, 0x2000, 0x3000]);
    for (const at of taken) pages.freePages(at, 0);
    expect([0, 1, 2].map((order) => pages.freeBlocks(order, "dma32"))).toEqual([2, 1, 0]);
  });

  test("an address in a hole is foreign", () => {
    const pages = new PageAllocator([
      [0, 4 * MiB],
      [40 * MiB, 44 * MiB],
    ]);
    drain(pages, 10);
    expect(() => pages.freePages(physAddr(4 * MiB), 10)).toThrow(TypeError);
    expect(() => pages.freePages(physAddr(44 * MiB), 10)).toThrow(TypeError);
    pages.freePages(physAddr(40 * MiB), 10);
  });

  test("orders above 10 get nothing, as from the kernel; what is no order is a mistake", () => {
    const pages = new PageAllocator([low]);
    expect(pages.allocatePages(11)).toBe(null);
    expect(pages.freePageCount()).toBe(16384);
    for (const order of [-1, 0.5, Number.NaN]) expect(() => pages.allocatePages(order)).toThrow(TypeError);
  });

  test("a second free, another order and a foreign address are refused and change nothing", () => {
    const pages = new PageAllocator([low, high]);
    const at = pages.allocatePages(2, "dma32") as PhysAddr;
    const free = pages.freePageCount();
    expect(() => pages.freePages(at, 1)).toThrow("cannot free order 1 at 0x0: it was allocated with order 2");
    expect(() => pages.freePages(physAddr(at + 0x1000), 0)).toThrow("no allocated block begins there");
    expect(() => pages.freePages(physAddr(at + 1), 2)).toThrow(TypeError);
    expect(() => pages.freePages(physAddr(at + 0x1000), 2)).toThrow(TypeError);
    expect(() => pages.freePages(physAddr(6 * GiB), 0)).toThrow(TypeError);
    expect(() => pages.freePages(physAddr(9 * GiB), 0)).toThrow(TypeError);
    expect(() => pages.freePages(at, 11)).toThrow(TypeError);
    expect(() => pages.freePages(at, -1)).toThrow(TypeError);
    expect(pages.freePageCount()).toBe(free);
    pages.freePages(at, 2);
    expect(() => pages.freePages(at, 2)).toThrow(TypeError);
    expect(pages.freePageCount()).toBe(16384 + 4096);
  });
});

describe("scatter", () => {
  const take = (seed: number, order?: number): PhysAddr[] => {
    const pages = new PageAllocator([low, high], order === undefined ? { seed } : { seed, order });
    return Array.from({ length: 512 }, () => pages.allocatePages(0) as PhysAddr);
  };
  const runs = (taken: readonly PhysAddr[]) =>
    taken.filter((at, i) => i === 0 || at !== (taken[i - 1] as number) + 4096);

  test("is the same for the same seed and differs for another", () => {
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
    expect(take(0)).not.toEqual(take(1));
  });

  test("hands out single pages that do not touch, or runs of the order asked for", () => {
    for (const seed of [0, 3]) expect(runs(take(seed)).length).toBeGreaterThan(400);
    expect(take(3).filter((at) => at % 0x1_0000 === 0).length).toBeLessThan(64);
    expect(runs(take(3, 4)).length).toBeLessThanOrEqual(32);
    expect(runs(take(3, 4)).length).toBeGreaterThan(28);
    expect(runs(take(3, 4)).every((at) => at % 0x1_0000 === 0)).toBe(true);
  });

  test("reaches all memory", () => {
    const pages = new PageAllocator([low, high], { seed: 5 });
    const taken = [...drain(pages, 3), ...drain(pages, 0)];
    expect(pages.freePageCount()).toBe(0);
    expect(new Set(taken).size).toBe((16384 + 4096) / 8);
  });

  test("refuses what is no seed and no order", () => {
    expect(() => new PageAllocator([low], { seed: 0.5 })).toThrow(TypeError);
    expect(() => new PageAllocator([low], { seed: 1, order: 11 })).toThrow(TypeError);
    expect(() => new PageAllocator([low], { seed: 1, order: -1 })).toThrow(TypeError);
  });
});
