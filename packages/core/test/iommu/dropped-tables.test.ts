// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { PageTable, type TableFormat } from "../../src/iommu.ts";

/** Two levels of eight: bit 0 a page, bit 1 a table, the address above bit 12. */
const format: TableFormat = {
  name: "two levels",
  descriptorBytes: 4,
  levels: [
    { level: 1, shift: 15, bits: 3, leaf: true },
    { level: 2, shift: 12, bits: 3, leaf: true },
  ],
  outputEnd: 2 ** 31,
  kindOf: (low) => ((low & 1) !== 0 ? 2 : (low & 2) !== 0 ? 1 : 0),
  addressOf: (low) => (low & ~0xfff) >>> 0,
  protOf: () => 3,
  writeLeaves(words, at, count, level, address) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * (level === 1 ? 0x8000 : 0x1000) + 1;
  },
  writeTable(words, at, _level, address) {
    words[at] = address + 2;
  },
};

test("counts the tables that wait to be collected, which is when the walk to them has to be invalidated", () => {
  const table = new PageTable(format);
  table.mapPages(0, 0x10_0000, 0x1000, 8, 3);
  expect(table.unusedTables).toBe(0);
  table.unmapPages(0, 0x1000, 8);
  expect(table.unusedTables).toBe(0);
  table.mapPages(0, 0x10_0000, 0x1000, 8, 3);
  table.unmapPages(0, 0x8000, 1);
  expect(table.unusedTables).toBe(1);
  table.collect();
  expect(table.unusedTables).toBe(0);
});

test("counts the table that a block takes the place of (M-24)", () => {
  const table = new PageTable(format);
  table.mapPages(0, 0x10_0000, 0x1000, 1, 3);
  table.mapPages(0, 0x20_0000, 0x8000, 1, 3);
  expect(table.unusedTables).toBe(1);
});
