// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { PageTable } from "../../src/iommu/page-table.ts";
import { Descriptor, type TableFormat } from "../../src/iommu/table-format.ts";

/** Two levels of four descriptors: pages of 4 KiB, blocks of 16 KiB; bit 0 a leaf, bit 1 a table. */
const format: TableFormat = {
  name: "toy",
  descriptorBytes: 4,
  levels: [
    { level: 1, shift: 14, bits: 2, leaf: true },
    { level: 2, shift: 12, bits: 2, leaf: true },
  ],
  outputEnd: 2 ** 32,
  kindOf: (low) =>
    (low & 1) !== 0 ? Descriptor.LEAF : (low & 2) !== 0 ? Descriptor.TABLE : Descriptor.INVALID,
  addressOf: (low) => (low & 0xffff_f000) >>> 0,
  protOf: () => 3,
  writeLeaves(words, at, count, level, address) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * (level === 1 ? 0x4000 : 0x1000) + 1;
  },
  writeTable(words, at, _level, address) {
    words[at] = address + 2;
  },
};

test("pages that are mapped already get the new descriptor, or are told of and keep the first", () => {
  for (const keepsFirst of [false, true]) {
    const told: number[] = [];
    const table = new PageTable(format, { overwritten: (iova) => void told.push(iova), keepsFirst });
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
  const table = new PageTable(format);
  table.mapPages(0, 0x8000, 0x1000, 1, 3);
  expect(table.unusedTables).toBe(0);
  table.mapPages(0, 0x4000, 0x4000, 1, 3);
  expect([table.unusedTables, table.lookup(0x1234)]).toEqual([1, 0x5234]);
  table.collect();
  expect(table.unusedTables).toBe(0);
});
