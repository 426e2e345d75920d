// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { type PhysAddr, physAddr } from "../../src/address.ts";
import { CmaPool } from "../../src/memory/cma-pool.ts";

const base = physAddr(0x7000_0000);

test("takes the first place that fits", () => {
  const pool = new CmaPool("linux,cma", base, 64);
  const first = pool.allocate(10, 0) as PhysAddr;
  const second = pool.allocate(5, 0) as PhysAddr;
  expect([first, second]).toEqual([base, base + 10 * 4096]);
  pool.free(first, 10);
  expect(pool.allocate(11, 0)).toBe(base + 15 * 4096);
  expect(pool.allocate(10, 0)).toBe(base);
});

test("aligns the address, not the place in the pool, and to order 8 at most (H-8)", () => {
  // The pool begins 3 pages past a multiple of 16.
  const pool = new CmaPool("odd", physAddr(base + 3 * 4096), 1024);
  expect(pool.allocate(1, 0)).toBe(base + 3 * 4096);
  expect(pool.allocate(16, 4)).toBe(base + 16 * 4096);
  expect(pool.allocate(512, 9)).toBe(base + 256 * 4096);
});

test("fragmentation is visible: enough pages, no run long enough", () => {
  const pool = new CmaPool("linux,cma", base, 64);
  const taken = Array.from({ length: 8 }, () => pool.allocate(8, 0) as PhysAddr);
  expect([pool.freePages, pool.largestFreeRun, pool.allocate(1, 0)]).toEqual([0, 0, null]);
  for (const at of [1, 3, 4, 7]) pool.free(taken[at] as PhysAddr, 8);
  expect([pool.freePages, pool.largestFreeRun]).toEqual([32, 16]);
  expect(pool.allocate(17, 0)).toBe(null);
  const free: string[] = [];
  pool.forEachFreeRun((at, pages) => free.push(`${pages}@${(at - base) / 4096}`));
  expect(free.join("+")).toBe("8@8+16@24+8@56");
});

test("a part may be given back; what is free or foreign may not", () => {
  const pool = new CmaPool("linux,cma", base, 64);
  const at = pool.allocate(16, 0) as PhysAddr;
  pool.free(physAddr(at + 4 * 4096), 4);
  expect(pool.freePages).toBe(52);
  expect(() => pool.free(at, 16)).toThrow("cannot free 16 pages at 0x70000000 of linux,cma: some are free");
  expect(() => pool.free(physAddr(at + 4 * 4096), 1)).toThrow(TypeError);
  expect(() => pool.free(physAddr(base - 4096), 1)).toThrow("are not pages of the pool linux,cma");
  expect(() => pool.free(at, 65)).toThrow(TypeError);
  expect(() => pool.free(at, 0)).toThrow(TypeError);
  expect(() => pool.free(at, 0.5)).toThrow(TypeError);
  expect(() => pool.free(physAddr(at + 1), 1)).toThrow(TypeError);
  expect(pool.freePages).toBe(52);
});

test.each([
  [0, 0],
  [-1, 0],
  [1.5, 0],
  [1, -1],
  [1, 0.5],
])("refuses to allocate %d pages at order %d", (pages, order) => {
  expect(() => new CmaPool("linux,cma", base, 64).allocate(pages, order)).toThrow(TypeError);
});
