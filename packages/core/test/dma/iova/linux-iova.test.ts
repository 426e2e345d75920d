// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { LinuxIova } from "../../../src/dma/iova/linux-iova.ts";

const TOP32 = 2 ** 20 - 1;

test("goes down from the limit, naturally aligned", () => {
  const iova = new LinuxIova();
  expect(iova.allocate(1, TOP32)).toBe(0xfffff);
  expect(iova.allocate(3, TOP32)).toBe(0xffffc);
  expect(iova.allocate(16, TOP32)).toBe(0xfffe0);
  expect(iova.allocate(3, TOP32, false)).toBe(0xfffdd);
});

test("goes on below the last place, and back up only when there is none", () => {
  const iova = new LinuxIova(0xffff0);
  const firsts = [1, 2, 3, 4].map(() => iova.allocate(4, TOP32));
  expect(firsts).toEqual([0xffffc, 0xffff8, 0xffff4, 0xffff0]);
  // Freed ranges above the remembered one make the one behind them the remembered one.
  iova.free(0xffff8);
  expect(iova.allocate(1, TOP32)).toBe(0xffffb);
  iova.free(0xffffc);
  expect(iova.allocate(4, TOP32)).toBe(0xffffc);
});

test("after a failure nothing that long is tried below 4 GiB until something there is freed", () => {
  const iova = new LinuxIova(TOP32 - 7);
  const kept = iova.allocate(4, TOP32) as number;
  // There is no room for 8 below this limit; above it there would be room for 4.
  expect(iova.allocate(4, TOP32 - 6)).toBeNull();
  expect(iova.allocate(4, TOP32)).toBeNull();
  expect(iova.allocate(2, TOP32)).toBe(kept - 2);
  iova.free(kept);
  expect(iova.allocate(4, TOP32)).toBe(kept);
});

test("a failure above 4 GiB counts for requests below it as well", () => {
  const iova = new LinuxIova(TOP32 - 7);
  expect(iova.allocate(64, 2 ** 20 + 20)).toBeNull();
  expect(iova.allocate(64, TOP32)).toBeNull();
  expect(iova.allocate(8, TOP32)).toBe(TOP32 - 7);
});

test("what is below 4 GiB and what is above are remembered separately", () => {
  const iova = new LinuxIova();
  expect(iova.allocate(1, 2 ** 30)).toBe(2 ** 30);
  expect(iova.allocate(1, TOP32)).toBe(TOP32);
  expect(iova.allocate(1, 2 ** 30)).toBe(2 ** 30 - 1);
  expect(iova.allocate(1, TOP32)).toBe(TOP32 - 1);
});

test("frames up to 2^40", () => {
  const iova = new LinuxIova();
  expect(iova.allocate(5, 2 ** 40 - 1)).toBe(2 ** 40 - 8);
  expect(iova.allocate(2 ** 38, 2 ** 40 - 1)).toBe(2 ** 39);
  expect(iova.free(2 ** 39 + 12_345)).toBe(true);
  expect(iova.free(2 ** 39)).toBe(false);
});

test("what lies outside of the space is never taken", () => {
  const iova = new LinuxIova();
  iova.reserve(-5, 3);
  iova.reserve(2 ** 48 - 2, 2 ** 50);
  expect(iova.rangeCount).toBe(2);
  expect([-1, 3, 2 ** 48 - 3, 2 ** 48, 2 ** 60].map((frame) => iova.free(frame))).toEqual(
    Array(5).fill(false),
  );
  expect([iova.free(2), iova.free(2 ** 48 - 1), iova.rangeCount]).toEqual([true, true, 0]);
  expect(iova.allocate(1, -1)).toBeNull();
});
