// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { Descriptor, IommuProt, PageTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import type { LpaeConfig } from "../../src/lpae/lpae-config.ts";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { config } from "./config.ts";

const { READ, WRITE, CACHE, NOEXEC, MMIO, PRIV } = IommuProt;
const RW = READ | WRITE;

/** The descriptor that maps one page, as 16 hexadecimal digits. */
function leaf(of: LpaeConfig, phys: number, size: number, prot: number): string {
  const table = new PageTable(lpaeFormat(of));
  expect(table.mapPages(size, phys, size, 1, prot)).toBe(1);
  expect(table.walk(size)).toBe(Descriptor.LEAF);
  return digits(table.low, table.high);
}

const digits = (low: number, high: number): string =>
  high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");

// Arm ARM D8.3: valid 0, page 1, AttrIndx 4:2, AP 7:6, SH 9:8, AF 10, nG 11, PXN 53, UXN 54.
describe("a descriptor of stage 1 is, to the bit,", () => {
  test.each([
    ["a page, non-cacheable", 0x8000_1000, 0x1000, RW, "0000000080001e43"],
    ["a page that snoops and is not written", 0x8000_1000, 0x1000, READ | CACHE, "0000000080001fc7"],
    ["a page of which nothing is executed", 0x8000_1000, 0x1000, RW | CACHE | NOEXEC, "0060000080001f47"],
    ["a page of registers", 0xff00_0000, 0x1000, RW | MMIO, "00000000ff000e4b"],
    ["a page for privileged accesses", 0x8000_1000, 0x1000, RW | PRIV, "0000000080001e03"],
    ["a page above 4 GiB", 0x7fff_ffff_f000, 0x1000, RW, "00007ffffffffe43"],
    ["a block of 2 MiB", 0x1_4020_0000, 0x20_0000, RW | CACHE, "0000000140200f45"],
    ["a block of 1 GiB", 0x1_4000_0000, 0x4000_0000, RW, "0000000140000e41"],
    ["a page that is only written, which stage 1 cannot say", 0x8000_1000, 0x1000, WRITE, "0000000080001e43"],
  ])("%s", (_, phys, size, prot, expected) => expect(leaf(config(1), phys, size, prot)).toBe(expected));
});

// Arm ARM D8.3: MemAttr 5:2, S2AP 7:6, SH 9:8, AF 10, no nG.
describe("a descriptor of stage 2 is, to the bit,", () => {
  test.each([
    ["a page that snoops", 0x8000_1000, 0x1000, RW | CACHE, "00000000800017ff"],
    ["a page that is only read", 0x8000_1000, 0x1000, READ, "0000000080001657"],
    ["registers that are only written", 0xff00_0000, 0x1000, WRITE | MMIO, "00000000ff000687"],
    ["a page of which nothing is executed", 0x8000_1000, 0x1000, RW | NOEXEC, "00600000800016d7"],
    ["a block of 2 MiB", 0x1_4020_0000, 0x20_0000, RW | CACHE, "00000001402007fd"],
  ])("%s", (_, phys, size, prot, expected) => expect(leaf(config(2), phys, size, prot)).toBe(expected));
});

describe("other granules", () => {
  test.each([
    ["16 KiB page", config(1, "16KiB"), 0x8000_4000, 0x4000, "0000000080004e43"],
    ["32 MiB block", config(1, "16KiB"), 0x8200_0000, 0x200_0000, "0000000082000e41"],
    ["64 KiB page", config(1, "64KiB"), 0x8001_0000, 0x1_0000, "0000000080010e43"],
    ["512 MiB block", config(2, "64KiB"), 0xa000_0000, 0x2000_0000, "00000000a00006d5"],
  ])("%s", (_, of, phys, size, expected) => expect(leaf(of, phys, size, RW)).toBe(expected));

  test("of 64 KiB keep bits 51:48 of an address in bits 15:12", () => {
    const wide = config(1, "64KiB", { inputBits: 52, outputBits: 52 });
    expect(leaf(wide, 0xa_1234_5678_0000, 0x1_0000, RW)).toBe("000012345678ae43");
    expect(leaf(wide, 0xc_0400_0000_0000, 2 ** 42, RW)).toBe("000004000000ce41");
    const table = new PageTable(lpaeFormat(wide));
    table.mapPages(0x1_0000, 0xa_1234_5678_0000, 0x1_0000, 1, RW);
    expect(table.lookup(0x1_0123)).toBe(0xa_1234_5678_0123);
  });
});

describe("a descriptor of a table is its address and 0b11", () => {
  const memory = (): { allocate: () => never } & Record<string, unknown> => {
    let next = 0x9_0000_0000;
    const allocate = (): never => {
      next += 0x1_0000;
      return next as never;
    };
    return { allocate, free() {}, wrote() {}, sync() {}, fetched() {} };
  };
  test.each([
    ["for a walker that snoops", true, "0000000900020003"],
    ["and bit 55 once it was cleaned for one that does not (M-30)", false, "0080000900020003"],
  ])("%s", (_, coherentWalk, expected) => {
    const table = new PageTable(lpaeFormat(config(1, "4KiB", { coherentWalk })), {
      memory: memory() as never,
    });
    table.mapPages(0x1000, 0x1000, 0x1000, 1, RW);
    const [low, high] = table.descriptor(0x1000, 0) ?? [0, 0];
    expect(digits(low, high)).toBe(expected);
  });
});

describe("what descriptors say that hardware reads", () => {
  const four = lpaeFormat(config(1));
  test("is nothing without bit 0, at the last level without bit 1, and of blocks where there are none", () => {
    expect(four.kindOf(0xffff_fffe, 0, 2)).toBe(Descriptor.INVALID);
    expect(four.kindOf(0x8000_0e41, 0, 3)).toBe(Descriptor.INVALID);
    expect(four.kindOf(0x8000_0e41, 0, 0)).toBe(Descriptor.INVALID);
    expect(lpaeFormat(config(1, "16KiB")).kindOf(0x8000_0e41, 0, 1)).toBe(Descriptor.INVALID);
    expect(lpaeFormat(config(1, "64KiB")).kindOf(0x8000_0e41, 0, 1)).toBe(Descriptor.INVALID);
    const wide = lpaeFormat(config(1, "64KiB", { outputBits: 52 }));
    expect(wide.kindOf(0x0000_0e41, 0x400, 1)).toBe(Descriptor.LEAF);
  });

  test("is an address without the bits below the block, whatever they are", () => {
    expect(four.addressOf(0x403f_fe41, 0x0060_0001, 2)).toBe(0x1_4020_0000);
    expect(four.addressOf(0x403f_f003, 0x0080_0001, 2)).toBe(0x1_403f_f000);
  });

  test("is the memory type that MAIR or MemAttr names, shareability, access, XN and AF", () => {
    expect(four.attributesOf(0x8000_1fc7, 0x0060_0000)).toEqual({
      type: "normal-wb",
      shareability: "inner",
      access: READ,
      executeNever: true,
      accessFlag: true,
    });
    expect(four.attributesOf(0x8000_1a03, 0)).toEqual({
      type: "normal-nc",
      shareability: "outer",
      access: READ | WRITE | PRIV,
      executeNever: false,
      accessFlag: false,
    });
    const types = [0, 1, 2, 3, 4].map((index) => four.attributesOf(index << 2, 0).type);
    expect(types).toEqual(["normal-nc", "normal-wb", "device", "normal-nc", "device"]);
    const second = lpaeFormat(config(2));
    expect(second.attributesOf(0x8000_06bf, 0)).toMatchObject({ type: "normal-wb", access: WRITE });
    expect(second.attributesOf(0x8000_0657, 0)).toMatchObject({ type: "normal-nc", access: READ });
    expect(second.attributesOf(0x8000_0007, 0)).toMatchObject({
      type: "device",
      access: 0,
      shareability: "non",
    });
  });
});

test("a page that can be neither read nor written is EINVAL (M-25)", () => {
  const table = new PageTable(lpaeFormat(config(1)));
  expect(() => table.mapPages(0, 0, 0x1000, 1, CACHE)).toThrow(KernelError);
  expect(() => table.mapPages(0, 0, 0x1000, 1, CACHE)).toThrow(/EINVAL/);
  expect(table.lookup(0)).toBe(null);
});

test("an address past either side is ERANGE (M-23)", () => {
  const table = new PageTable(lpaeFormat(config(1, "4KiB", { inputBits: 32, outputBits: 36 })));
  expect(() => table.mapPages(2 ** 32, 0, 0x1000, 1, RW)).toThrow(/ERANGE/);
  expect(() => table.mapPages(0, 2 ** 36, 0x1000, 1, RW)).toThrow(/ERANGE/);
  expect(table.mapPages(2 ** 32 - 0x1000, 2 ** 36 - 0x1000, 0x1000, 1, RW)).toBe(1);
});

test("splitting a block keeps all its bits but the type", () => {
  for (const stage of [1, 2] as const)
    for (const prot of [READ, RW | CACHE, RW | MMIO | CACHE | NOEXEC, RW | PRIV, WRITE | CACHE]) {
      const table = new PageTable(lpaeFormat(config(stage)));
      table.mapPages(0x20_0000, 0x40_0000, 0x20_0000, 1, prot);
      const [low, high] = table.descriptor(0x20_0000, 2) ?? [0, 0];
      table.unmapPages(0x20_0000, 0x1000, 1);
      expect(table.descriptor(0x20_1000, 3)).toEqual([low + 0x1002, high]);
    }
});
