// SPDX-License-Identifier: MIT
import { Descriptor, IommuProt, PageTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { firstLevel } from "../src/first-level.ts";

const { READ, WRITE, CACHE, NOEXEC, PRIV } = IommuProt;
const all = ["2MiB", "1GiB"] as const;

// Values by hand from VT-d 9.7 and SDM 3A 4.5: P 0, R/W 1, U/S 2, A 5, D 6, PS 7, address 51:12, XD 63.
describe("a first-level entry", () => {
  const entry = (iova: number, phys: number, size: number, prot: number, level: number) => {
    const table = new PageTable(firstLevel(48, all));
    table.mapPages(iova, phys, size, 1, prot);
    return table.descriptor(iova, level);
  };

  test("of 4 KiB that can be written is present, a user's, accessed and dirty", () => {
    expect(entry(0x7000, 0x12_3456_7000, 0x1000, READ | WRITE, 1)).toEqual([0x3456_7067, 0x12]);
  });

  test("that can only be read has neither R/W nor D", () => {
    expect(entry(0x7000, 0x5000, 0x1000, READ, 1)).toEqual([0x5025, 0]);
  });

  test("of 2 MiB and 1 GiB has PS as well", () => {
    expect(entry(0, 2 ** 21, 2 ** 21, READ | WRITE, 2)).toEqual([0x20_00e7, 0]);
    expect(entry(0, 2 ** 30, 2 ** 30, READ, 3)).toEqual([0x4000_00a5, 0]);
  });

  test("has XD in bit 63, and no U/S for a supervisor's page", () => {
    expect(entry(0, 0x5000, 0x1000, READ | NOEXEC, 1)).toEqual([0x5025, 0x8000_0000]);
    expect(entry(0, 0x5000, 0x1000, READ | PRIV, 1)).toEqual([0x5021, 0]);
    const { protOf } = firstLevel(48, all);
    expect(protOf(0x5025, 0x8000_0000, 1)).toBe(READ | NOEXEC);
    expect(protOf(0x5021, 0, 1)).toBe(READ | PRIV);
  });

  test("says nothing of snooping", () => {
    expect(entry(0, 0x5000, 0x1000, READ | CACHE, 1)).toEqual(entry(0, 0x5000, 0x1000, READ, 1));
  });

  test("of a table is present, writable, a user's and accessed", () => {
    const table = new PageTable(firstLevel(57, all));
    table.mapPages(0, 0x1000, 0x1000, 1, READ);
    for (const level of [5, 4, 3, 2]) {
      const [low] = table.descriptor(0, level) as readonly [number, number];
      expect(low & 0xfff, `level ${level}`).toBe(0x027);
    }
  });

  test("without P is not present", () => {
    const { kindOf } = firstLevel(48, all);
    expect(kindOf(0x5066, 0, 1)).toBe(Descriptor.INVALID);
    expect(kindOf(0x5001, 0, 2)).toBe(Descriptor.TABLE);
    expect(kindOf(0x20_0081, 0, 2)).toBe(Descriptor.LEAF);
  });
});
