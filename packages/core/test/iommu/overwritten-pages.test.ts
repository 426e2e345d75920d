// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { PageTable } from "../../src/iommu/page-table.ts";
import { sixteen32 } from "./made-up-formats.ts";

test("pages that are mapped already get the new descriptor, or are told of and keep the first", () => {
  for (const keepsFirst of [false, true]) {
    const told: number[] = [];
    const table = new PageTable(sixteen32, { overwritten: (iova) => void told.push(iova), keepsFirst });
    expect(table.mapPages(0x1000, 0x8000, 0x1000, 2, 3)).toBe(2);
    expect(table.mapPages(0, 0x2_0000, 0x1000, 4, 3)).toBe(4);
    expect(told).toEqual([0x1000, 0x2000]);
    const outputs = [0, 0x1000, 0x2000, 0x3000].map((at) => table.lookup(at));
    expect(outputs[0]).toBe(0x2_0000);
    expect(outputs.slice(1, 3)).toEqual(keepsFirst ? [0x8000, 0x9000] : [0x2_1000, 0x2_2000]);
    expect(outputs[3]).toBe(0x2_3000);
  }
});

test("tables that a block takes the place of are unused until they are collected", () => {
  const table = new PageTable(sixteen32);
  table.mapPages(0, 0x8000, 0x1000, 1, 3);
  expect(table.unusedTables).toBe(0);
  table.mapPages(0, 0x4000, 0x4000, 1, 3);
  expect([table.unusedTables, table.lookup(0x1234)]).toEqual([1, 0x5234]);
  table.collect();
  expect(table.unusedTables).toBe(0);
});
