// SPDX-License-Identifier: MIT
import { IommuProt, PageTable, type TableFormat, type TableMemory } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { etnavivV1Format } from "../src/etnaviv/v1-format.ts";
import { etnavivV2Format } from "../src/etnaviv/v2-format.ts";
import { gpuPageTable } from "../src/gpu-vm/gpu-page-table.ts";
import { maliLpaeFormat } from "../src/mali/lpae-format.ts";
import { LOCAL } from "../src/private-mmu.ts";
import { limaFormat, rockchipV1Format, rockchipV2Format } from "../src/rockchip/formats.ts";
import { v3dFormat } from "../src/v3d/v3d-format.ts";

// Every word here was put together by hand, from the bits that the drivers and manuals name.

const { READ, WRITE, CACHE, NOEXEC, MMIO } = IommuProt;
const RW = READ | WRITE;
const MiB = 2 ** 20;

/** Tables at addresses that the test chose, in the order in which they are asked for. */
function tablesAt(...addresses: number[]): TableMemory {
  return {
    allocate: () => (addresses.shift() ?? expect.fail("one table too many")) as never,
    free: () => {},
    wrote: () => {},
    sync: () => {},
    fetched: () => {},
  };
}

/** The words of a descriptor in hexadecimal, the high one first. */
function words(table: PageTable, address: number, level: number): string {
  const [low, high] = table.descriptor(address, level) ?? expect.fail("no table there");
  const of = (word: number): string => word.toString(16).padStart(8, "0");
  return table.format.descriptorBytes === 4 ? of(low) : `${of(high)}_${of(low)}`;
}

/** A table with one mapping, of tables at those addresses. */
function mapped(
  format: TableFormat,
  at: readonly number[],
  [va, to, pageSize, prot]: readonly [va: number, to: number, pageSize: number, prot: number],
): PageTable {
  const table = new PageTable(format, { memory: tablesAt(...at) });
  expect(table.mapPages(va, to, pageSize, 1, prot)).toBe(1);
  expect(table.lookup(va + 0x123)).toBe(to + 0x123);
  return table;
}

describe("etnaviv", () => {
  test("an entry of MMUv1 is an address, and the bad page's where nothing is mapped", () => {
    const format = etnavivV1Format(0x3fff_f000);
    const table = mapped(format, [0x1000_0000], [0x0012_3000, 0x2abc_d000, 4096, READ]);
    expect(words(table, 0x0012_3000, 0)).toBe("2abcd000");
    expect(words(table, 0x0012_4000, 0)).toBe("3ffff000");
    table.unmapPages(0x0012_3000, 4096, 1);
    expect(words(table, 0x0012_3000, 0)).toBe("3ffff000");
    expect(table.end).toBe(2 ** 31);
  });

  test("page 0 of memory can be mapped by MMUv1, whose entry is then zero", () => {
    const table = mapped(etnavivV1Format(0x3fff_f000), [0x1000_0000], [0x1000, 0, 4096, RW]);
    expect(words(table, 0x1000, 0)).toBe("00000000");
  });

  // PRESENT 0x1, EXCEPTION 0x2, WRITEABLE 0x4; address bits 39:32 in bits 11:4.
  test("MMUv2: MTLB entries are present, pages writeable, the rest is an exception", () => {
    const table = mapped(etnavivV2Format, [0x1000_0000, 0x1234_5000], [0xc012_3000, 0x2abc_d000, 4096, RW]);
    expect(words(table, 0xc012_3000, 0)).toBe("12345001");
    expect(words(table, 0xc012_3000, 1)).toBe("2abcd005");
    expect(words(table, 0xc012_4000, 1)).toBe("00000002");
    expect(words(table, 0, 0)).toBe("00000002");
    table.unmapPages(0xc012_3000, 4096, 1);
    expect(words(table, 0xc012_3000, 1)).toBe("00000002");
  });

  test("MMUv2: a page above 4 GiB has bits 39 to 32 of its address in bits 11 to 4", () => {
    const table = mapped(etnavivV2Format, [0x1000, 0x2000], [0, 0xa5_8000_0000, 4096, READ]);
    expect(words(table, 0, 1)).toBe("80000a51");
  });
});

describe("Rockchip", () => {
  test("v1: a DTE is valid, a PTE valid, readable, writable", () => {
    const table = mapped(rockchipV1Format, [0x6000_0000, 0x6123_4000], [0xffc0_1000, 0x2abc_d000, 4096, RW]);
    expect(words(table, 0xffc0_1000, 1)).toBe("61234001");
    expect(words(table, 0xffc0_1000, 2)).toBe("2abcd007");
  });

  test.each([
    [READ, "2abcd003"],
    [WRITE, "2abcd005"],
  ])("v1: what is allowed, %i, is in bits 1 and 2", (prot, expected) => {
    const table = mapped(rockchipV1Format, [0, 0x1000], [0x1000, 0x2abc_d000, 4096, prot]);
    expect(words(table, 0x1000, 2)).toBe(expected);
    expect(rockchipV1Format.protOf(Number.parseInt(expected, 16), 0, 2)).toBe(prot);
  });

  test("an unmapped PTE keeps all but its valid bit", () => {
    const table = mapped(rockchipV1Format, [0, 0x1000], [0x1000, 0x2abc_d000, 4096, RW]);
    table.unmapPages(0x1000, 4096, 1);
    expect(words(table, 0x1000, 2)).toBe("2abcd006");
    expect(table.lookup(0x1000)).toBeNull();
  });

  test("v2: address bits 35:32 are in bits 11:8, bits 39:36 in bits 7:4, of both levels", () => {
    const table = mapped(rockchipV2Format, [0x1000, 0x12_3456_7000], [0, 0xa5_8765_4000, 4096, RW]);
    // 0x12: bits 35:32 are 2, bits 39:36 are 1.
    expect(words(table, 0, 1)).toBe("34567211");
    // 0xa5: 5 and a, and flags 7.
    expect(words(table, 0, 2)).toBe("876545a7");
  });
});

test("Mali-400: a PTE asks for the GPU's own caching as well (0x1d8)", () => {
  const table = mapped(limaFormat, [0x1000, 0x2000], [0x40_0000, 0x2abc_d000, 4096, RW]);
  expect(words(table, 0x40_0000, 1)).toBe("00002001");
  expect(words(table, 0x40_0000, 2)).toBe("2abcd1df");
});

describe("V3D", () => {
  test("a PTE is a frame number with VALID (28) and WRITEABLE (29)", () => {
    const table = mapped(v3dFormat, [0x1000_0000], [0x1000, 0x2_3456_7000, 4096, RW]);
    expect(words(table, 0x1000, 0)).toBe("30234567");
    expect(words(mapped(v3dFormat, [0], [0x1000, 0x1000, 4096, READ]), 0x1000, 0)).toBe("10000001");
    expect(words(table, 0x2000, 0)).toBe("00000000");
  });

  test("all 16 PTEs of a big page and all 256 of a superpage say so (30, 31)", () => {
    const table = new PageTable(v3dFormat, { memory: tablesAt(0) });
    table.mapPages(0x10_0000 - 0x1_1000, 0x4010_0000 - 0x1_1000, 4096, 1 + 16 + 256 + 1, RW);
    const at = (address: number) => words(table, address, 0);
    expect(at(0xe_f000)).toBe("300400ef");
    expect([at(0xf_0000), at(0xf_f000)]).toEqual(["700400f0", "700400ff"]);
    expect([at(0x10_0000), at(0x1f_f000)]).toEqual(["b0040100", "b00401ff"]);
    expect(at(0x20_0000)).toBe("30040200");
  });

  test("a big page of which a part goes leaves small pages", () => {
    const table = new PageTable(v3dFormat, { memory: tablesAt(0) });
    table.mapPages(0x1_0000, 0x1_0000, 4096, 16, RW);
    expect(table.unmapPages(0x1_4000, 4096, 1)).toBe(1);
    expect(words(table, 0x1_3000, 0)).toBe("30000013");
    expect(words(table, 0x1_4000, 0)).toBe("00000000");
    expect(words(table, 0x1_f000, 0)).toBe("3000001f");
  });
});

describe("Mali LPAE", () => {
  const at = [0x1_0000_0000, 0x2000, 0x3000, 0x1_2345_6000];

  test("tables are type 3 at levels 0 to 2, also above 4 GiB", () => {
    const table = mapped(maliLpaeFormat, at, [0x7f80_0020_1000, 0x2abc_d000, 4096, RW]);
    expect(table.rootAddress).toBe(0x1_0000_0000);
    expect(words(table, 0x7f80_0020_1000, 0)).toBe("00000000_00002003");
    expect(words(table, 0x7f80_0020_1000, 1)).toBe("00000000_00003003");
    expect(words(table, 0x7f80_0020_1000, 2)).toBe("00000001_23456003");
  });

  // Type 1 even of a page, HAP read 0x40 and write 0x80, SH outer 0x200, no AF (0x400).
  test.each([
    ["read and write", RW, "00000000_2abcd2c1"],
    ["read", READ, "00000000_2abcd241"],
    ["write", WRITE, "00000000_2abcd281"],
    ["cacheable: attribute 1", RW | CACHE, "00000000_2abcd2c5"],
    ["a device's registers: attribute 2", RW | MMIO, "00000000_2abcd2c9"],
    ["not to be executed: XN, bits 54 and 53", RW | NOEXEC, "00600000_2abcd2c1"],
  ])("a page to %s", (_, prot, expected) => {
    const table = mapped(maliLpaeFormat, [...at], [0x1000, 0x2abc_d000, 4096, prot]);
    expect(words(table, 0x1000, 3)).toBe(expected);
    const [low, high] = table.descriptor(0x1000, 3) ?? expect.fail();
    expect(maliLpaeFormat.protOf(low, high, 3)).toBe(prot);
  });

  test("a block of 2 MiB at level 2, above 4 GiB", () => {
    const table = mapped(maliLpaeFormat, at, [2 * MiB, 0xab_4020_0000, 2 * MiB, RW]);
    expect(words(table, 2 * MiB, 2)).toBe("000000ab_402002c1");
  });
});

describe("the large GPU", () => {
  const at = [0x1000, 0x2000, 0x3000, 0x4000];
  // VALID 1, SYSTEM 2, SNOOPED 4, EXECUTABLE 0x10, READABLE 0x20, WRITEABLE 0x40, fragment from bit 7, PDE_PTE bit 54.
  test.each([
    ["read and write", RW | NOEXEC, "00000012_34567063"],
    ["snooped", RW | NOEXEC | CACHE, "00000012_34567067"],
    ["executable and read only", READ, "00000012_34567033"],
    ["in the GPU's own memory: not SYSTEM", RW | NOEXEC | LOCAL, "00000012_34567061"],
  ])("a page that is %s", (_, prot, expected) => {
    const table = mapped(gpuPageTable, [...at], [0x1000, 0x12_3456_7000, 4096, prot]);
    expect(words(table, 0x1000, 0)).toBe(expected);
    const [low, high] = table.descriptor(0x1000, 0) ?? expect.fail();
    expect(gpuPageTable.protOf(low, high, 0)).toBe(prot);
  });

  test("directories' entries are valid and in system memory", () => {
    const table = mapped(gpuPageTable, [...at], [0x1000, 0x12_3456_7000, 4096, RW]);
    expect([3, 2, 1].map((level) => words(table, 0x1000, level))).toEqual([
      "00000000_00002003",
      "00000000_00003003",
      "00000000_00004003",
    ]);
  });

  test("a page of 2 MiB is an entry of a directory", () => {
    const table = mapped(gpuPageTable, [...at], [4 * MiB, 0x8000_0000, 2 * MiB, RW | NOEXEC]);
    expect(words(table, 4 * MiB, 1)).toBe("00400000_80000063");
  });

  test("64 KiB that lie on both sides alike are a fragment of 4, until a part of it goes", () => {
    const table = new PageTable(gpuPageTable, { memory: tablesAt(...at) });
    table.mapPages(0xf000, 0x8000_f000, 4096, 18, RW | NOEXEC);
    expect(words(table, 0xf000, 0)).toBe("00000000_8000f063");
    expect(words(table, 0x1_0000, 0)).toBe("00000000_80010263");
    expect(words(table, 0x1_f000, 0)).toBe("00000000_8001f263");
    expect(words(table, 0x2_0000, 0)).toBe("00000000_80020063");
    table.unmapPages(0x1_f000, 4096, 1);
    expect(words(table, 0x1_0000, 0)).toBe("00000000_80010063");
    expect(words(table, 0x1_f000, 0)).toBe("00000000_00000000");
  });

  test("64 KiB that lie differently on both sides are pages", () => {
    const table = new PageTable(gpuPageTable, { memory: tablesAt(...at) });
    table.mapPages(0x1_0000, 0x8000_1000, 4096, 16, RW | NOEXEC);
    expect(words(table, 0x1_0000, 0)).toBe("00000000_80001063");
  });
});
