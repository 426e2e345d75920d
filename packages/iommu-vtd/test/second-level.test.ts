// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, PageTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { secondLevel } from "../src/second-level.ts";

const { READ, WRITE, CACHE } = IommuProt;
const all = ["2MiB", "1GiB"] as const;

// Values by hand from the figures of VT-d 9.8: R 0, W 1, PS 7, SNP 11, address 51:12.
describe("a second-level entry", () => {
  const entry = (
    width: 39 | 48 | 57,
    iova: number,
    phys: number,
    size: number,
    prot: number,
    level: number,
  ) => {
    const table = new PageTable(secondLevel(width, all));
    table.mapPages(iova, phys, size, 1, prot);
    return table.descriptor(iova, level);
  };

  test("of 4 KiB has the address, R and W", () => {
    expect(entry(48, 0x7000, 0x12_3456_7000, 0x1000, READ | WRITE, 1)).toEqual([0x3456_7003, 0x12]);
    expect(entry(39, 0x7000, 0xf_ffff_f000, 0x1000, READ, 1)).toEqual([0xffff_f001, 0xf]);
    expect(entry(57, 0x7000, 0x1000, 0x1000, WRITE, 1)).toEqual([0x1002, 0]);
  });

  test("of 2 MiB and 1 GiB has PS as well", () => {
    expect(entry(48, 0x20_0000, 0x8_0060_0000, 2 ** 21, READ | WRITE, 2)).toEqual([0x0060_0083, 8]);
    expect(entry(48, 2 ** 30, 5 * 2 ** 30, 2 ** 30, READ | WRITE, 3)).toEqual([0x4000_0083, 1]);
  });

  test("has SNP in bit 11 where accesses snoop", () => {
    expect(entry(48, 0, 0x9000, 0x1000, READ | WRITE | CACHE, 1)).toEqual([0x9803, 0]);
    expect(entry(48, 0, 2 ** 21, 2 ** 21, READ | CACHE, 2)).toEqual([0x20_0881, 0]);
  });

  test("of a table allows both, and neither snoops nor is a page", () => {
    const table = new PageTable(secondLevel(48, all));
    table.mapPages(0, 0x1000, 0x1000, 1, READ | CACHE);
    for (const level of [4, 3, 2]) {
      const [low] = table.descriptor(0, level) as readonly [number, number];
      expect(low & 0xfff, `level ${level}`).toBe(0x003);
    }
  });

  test("with neither R nor W is not present, whatever else it says", () => {
    const { kindOf } = secondLevel(48, all);
    expect(kindOf(0xffff_f884, 0xf, 1)).toBe(Descriptor.INVALID);
    expect(kindOf(0x1001, 0, 1)).toBe(Descriptor.LEAF);
    expect(kindOf(0x1001, 0, 2)).toBe(Descriptor.TABLE);
    expect(kindOf(0x20_0081, 0, 2)).toBe(Descriptor.LEAF);
  });
});

test("an address takes nine bits a level: three, four or five of them", () => {
  const names = (width: 39 | 48 | 57) =>
    secondLevel(width, all).levels.map(({ level, shift }) => [level, shift]);
  expect(names(39)).toEqual([
    [3, 30],
    [2, 21],
    [1, 12],
  ]);
  expect(names(48)[0]).toEqual([4, 39]);
  expect(names(57)[0]).toEqual([5, 48]);
});

test("pages are as large as the unit knows them", () => {
  expect(new PageTable(secondLevel(48, all)).pageSizes).toEqual([2 ** 12, 2 ** 21, 2 ** 30]);
  expect(new PageTable(secondLevel(48, ["2MiB"])).pageSizes).toEqual([2 ** 12, 2 ** 21]);
  expect(new PageTable(secondLevel(48, [])).pageSizes).toEqual([2 ** 12]);
});
