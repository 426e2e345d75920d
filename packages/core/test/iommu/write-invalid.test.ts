// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { Descriptor, IommuProt, LooseTableMemory, PageTable, type TableFormat } from "../../src/iommu.ts";

/** Pages of one flat table of 16; what maps nothing is a page of its own, and page 0 of memory is as good as any. */
const BAD = 0x00ba_d000;
const flat: TableFormat = {
  name: "flat, with a bad page",
  descriptorBytes: 4,
  levels: [{ level: 0, shift: 12, bits: 4, leaf: true }],
  outputEnd: 2 ** 32,
  kindOf: (low) => (low === BAD ? Descriptor.INVALID : Descriptor.LEAF),
  addressOf: (low) => low,
  protOf: () => IommuProt.READ,
  writeLeaves(words, at, count, _level, address) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * 4096;
  },
  writeTable: () => {},
  writeInvalid: (words, at, count) => words.fill(BAD, at, at + count),
};

/** Two levels, where what is unmapped keeps its address and loses bit 0 alone. */
const keeping: TableFormat = {
  ...flat,
  name: "two levels that keep the address",
  levels: [
    { level: 0, shift: 14, bits: 2, leaf: false },
    { level: 1, shift: 12, bits: 2, leaf: true },
  ],
  kindOf: (low, _high, level) =>
    (low & 1) === 0 ? Descriptor.INVALID : level === 0 ? Descriptor.TABLE : Descriptor.LEAF,
  addressOf: (low) => (low & ~0xfff) >>> 0,
  writeLeaves(words, at, count, _level, address) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * 4096 + 1;
  },
  writeTable(words, at, _level, address) {
    words[at] = address + 1;
  },
  writeInvalid(words, at, count) {
    for (let i = 0; i < count; i++) words[at + i] = (words[at + i] as number) & ~1;
  },
};

test("a fresh table is full of what the format says maps nothing, and so is what was unmapped", () => {
  const table = new PageTable(flat);
  expect(table.descriptor(0x3000, 0)).toEqual([BAD, 0]);
  expect(table.lookup(0x3000)).toBeNull();
  expect(table.mapPages(0x3000, 0, 4096, 2, IommuProt.READ)).toBe(2);
  expect([table.lookup(0x3010), table.lookup(0x4000)]).toEqual([0x10, 0x1000]);
  expect(table.mapPages(0x2000, 0x9000, 4096, 2, IommuProt.READ)).toBe(1);
  expect(table.unmapPages(0x3000, 4096, 4)).toBe(2);
  expect(table.descriptor(0x3000, 0)).toEqual([BAD, 0]);
  expect(table.lookup(0x2fff)).toBe(0x9fff);
});

test("a descriptor that is not a page any more may keep what it was", () => {
  const table = new PageTable(keeping);
  table.mapPages(0x5000, 0x8_7000, 4096, 1, IommuProt.READ);
  expect(table.unmapPages(0x5000, 4096, 1)).toBe(1);
  expect(table.descriptor(0x5000, 1)).toEqual([0x8_7000, 0]);
  expect(table.lookup(0x5000)).toBeNull();
  expect(table.mapPages(0x5000, 0x1_2000, 4096, 1, IommuProt.READ)).toBe(1);
  expect(table.lookup(0x5000)).toBe(0x1_2000);
});

test("a table that is freed gives back what it was given, each piece once", () => {
  const live = new Map<number, number>();
  const loose = new LooseTableMemory();
  const memory = {
    ...{ wrote() {}, sync() {}, fetched() {} },
    allocate(bytes: number) {
      const address = loose.allocate(bytes);
      live.set(address, bytes);
      return address;
    },
    free(address: number, bytes: number) {
      expect(live.get(address)).toBe(bytes);
      live.delete(address);
    },
  };
  const table = new PageTable(keeping, { memory });
  for (const at of [0x1000, 0x5000, 0xd000]) table.mapPages(at, 0x2_0000, 4096, 1, IommuProt.READ);
  table.unmapPages(0x5000, 4096, 1);
  expect(live.size).toBe(4);
  expect([0x1000, 0x5000, 0xd000].map((at) => live.has(table.addressAt(at, 1) ?? -1))).toEqual([
    true,
    true,
    true,
  ]);
  expect([table.addressAt(0x1000, 0), table.addressAt(0x9000, 1)]).toEqual([table.rootAddress, null]);
  table.free();
  expect(live.size).toBe(0);
});
