// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type ClearedDescriptors, LooseTableMemory, PageTable, type TableMemory } from "../../src/iommu.ts";
import { halves32 } from "./made-up-formats.ts";

/** A table, and what is told and done, in order. */
function noted(): { table: PageTable; seen: (ClearedDescriptors | string)[] } {
  const seen: (ClearedDescriptors | string)[] = [];
  const loose = new LooseTableMemory();
  const memory: TableMemory = {
    allocate: (bytes) => loose.allocate(bytes),
    free: () => seen.push("free"),
    wrote: (_, bytes) => seen.push(`wrote ${bytes / 4}`),
    sync() {},
    fetched() {},
  };
  const table = new PageTable(halves32, { memory, cleared: (what) => seen.push(what) });
  return { table, seen };
}

describe("page tables tell what they cleared", () => {
  test("pages as runs, after the CPU wrote them", () => {
    const { table, seen } = noted();
    table.mapPages(0x5000, 0x5000, 0x1000, 4, 3);
    seen.length = 0;
    expect(table.unmapPages(0x6000, 0x1000, 5)).toBe(3);
    expect(seen).toEqual(["wrote 3", { iova: 0x6000, pageSize: 0x1000, count: 3, leaf: true }]);
  });

  test("tables one by one between blocks, and none is freed before it is told", () => {
    const { table, seen } = noted();
    for (const at of [0, 0x40_0000, 0x80_0000, 0xc0_0000]) table.mapPages(at, at, 0x40_0000, 1, 3);
    table.unmapPages(0x80_0000, 0x1000, 1);
    seen.length = 0;
    expect(table.unmapPages(0, 0x40_0000, 4)).toBe(4);
    expect(seen).toEqual([
      "wrote 4",
      { iova: 0, pageSize: 0x40_0000, count: 2, leaf: true },
      { iova: 0x80_0000, pageSize: 0x40_0000, count: 1, leaf: false },
      { iova: 0xc0_0000, pageSize: 0x40_0000, count: 1, leaf: true },
    ]);
    table.collect();
    expect(seen.at(-1)).toBe("free");
  });

  test("a page out of a block, which is the page alone", () => {
    const { table, seen } = noted();
    table.mapPages(0, 0, 0x40_0000, 1, 3);
    table.unmapPages(0x3000, 0x1000, 1);
    expect(seen.at(-1)).toEqual({ iova: 0x3000, pageSize: 0x1000, count: 1, leaf: true });
  });

  test("nothing when all tables are freed, each of which is", () => {
    const { table, seen } = noted();
    for (const at of [0, 0x40_0000, 0x80_0000]) table.mapPages(at, at, 0x1000, 1, 3);
    expect(table.tables).toBe(4);
    seen.length = 0;
    table.free();
    expect([seen, table.tables]).toEqual([["free", "free", "free", "free"], 0]);
  });

  test("a table in the way of a block, before the block is written (M-24)", () => {
    const { table, seen } = noted();
    table.mapPages(0x1000, 0x1000, 0x1000, 1, 3);
    seen.length = 0;
    expect(table.mapPages(0, 0, 0x40_0000, 1, 3)).toBe(1);
    expect(seen).toEqual(["wrote 1", { iova: 0, pageSize: 0x40_0000, count: 1, leaf: false }, "wrote 1"]);
  });
});
