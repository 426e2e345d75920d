// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { KernelError } from "../../src/index.ts";
import {
  Descriptor,
  IommuProt,
  LooseTableMemory,
  PageTable,
  pageRuns,
  type TableFormat,
} from "../../src/iommu.ts";
import { fourLevel64, tiny64, twoLevel32 } from "./made-up-formats.ts";
import { RecordedTableMemory } from "./recorded-table-memory.ts";

const { READ, WRITE, CACHE, NOEXEC } = IommuProt;
const K = 2 ** 10;
const M = 2 ** 20;
const G = 2 ** 30;

test("the largest page that fits is chosen, and smaller ones only up to its boundary (M-11, OA-1 to OA-8)", () => {
  const sizes = [4 * K, 2 * M, G];
  const runs = (iova: number, phys: number, size: number): string =>
    [...pageRuns(sizes, iova, phys, size)]
      .map(({ count, pageSize }) => `${count}x${{ [4 * K]: "4K", [2 * M]: "2M", [G]: "1G" }[pageSize]}`)
      .join(" + ");
  expect(runs(0x1000, 0x1000, 0x1000)).toBe("1x4K");
  expect(runs(0x20_0000, 0x4020_0000, 0x40_0000)).toBe("2x2M");
  expect(runs(0x1f_f000, 0x401f_f000, 0x40_2000)).toBe("1x4K + 2x2M + 1x4K");
  expect(runs(0x20_0000, 0x4020_1000, 0x40_0000)).toBe("1024x4K");
  expect(runs(0x3fe0_0000, 0x7fe0_0000, 0x4040_0000)).toBe("1x2M + 1x1G + 1x2M");
  expect(runs(0x10_0000, 0x30_0000, 0x30_0000)).toBe("256x4K + 1x2M");
  expect(runs(0x1f_f000, 0x401f_f000, 0x20_1000)).toBe("1x4K + 1x2M");
  expect(runs(0x1f_f000, 0x401f_f000, 0x20_0000)).toBe("512x4K");
});

/** The steps of the kernel's own test of its page tables (drivers/iommu/io-pgtable-arm.c), for one format. */
function selfTest(format: TableFormat): void {
  const table = new PageTable(format);
  const maps = (iova: number, phys: number, size: number, prot: number): boolean =>
    table.mapPages(iova, phys, size, 1, prot) === 1;
  for (const at of [42, G + 42, 2 * G + 42]) expect(table.lookup(at)).toBeNull();
  for (const [i, size] of table.pageSizes.entries()) {
    const iova = i * G;
    expect(maps(iova, iova, size, WRITE | READ | NOEXEC | CACHE)).toBe(true);
    expect(maps(iova, iova + size, size, READ | NOEXEC)).toBe(false);
    expect(table.lookup(iova + 42)).toBe(iova + 42);
  }
  const small = table.granule;
  expect(table.unmapPages(G + small, small, 1)).toBe(1);
  expect(maps(G + small, small, small, READ)).toBe(true);
  expect(table.lookup(G + small + 42)).toBe(small + 42);
  for (const [i, size] of table.pageSizes.entries()) {
    const iova = i * G;
    expect(table.unmapPages(iova, size, 1)).toBe(1);
    expect(table.lookup(iova + 42)).toBeNull();
    expect(maps(iova, iova, size, WRITE)).toBe(true);
    expect(table.lookup(iova + 42)).toBe(iova + 42);
  }
}

test.each([fourLevel64, twoLevel32])("the kernel's own test passes: $name", (format) => selfTest(format));

describe("the geometry follows from the format", () => {
  test("pages, blocks and addresses", () => {
    const four = new PageTable(fourLevel64);
    expect([four.pageSizes, four.granule, four.end]).toEqual([[4 * K, 2 * M, G], 4 * K, 2 ** 48]);
    const two = new PageTable(twoLevel32);
    expect([two.pageSizes, two.granule, two.end]).toEqual([[4 * K, M], 4 * K, 2 ** 32]);
  });

  test("tables are made when they are needed, and blocks need fewer", () => {
    const table = new PageTable(fourLevel64);
    expect(table.tables).toBe(1);
    table.mapPages(0, 0, 4 * K, 1, READ);
    expect(table.tables).toBe(4);
    table.mapPages(G, 0, 2 * M, 512, READ);
    expect(table.tables).toBe(5);
    table.mapPages(2 * G, 0, G, 3, READ);
    expect(table.tables).toBe(5);
  });

  test("the first and the last page of all addresses are its own", () => {
    const table = new PageTable(fourLevel64);
    const last = 2 ** 48 - 4 * K;
    table.mapPages(0, 0x1000, 4 * K, 1, READ);
    table.mapPages(last, 2 ** 47, 4 * K, 1, READ);
    expect([table.lookup(5), table.lookup(4 * K), table.lookup(last + 4095)]).toEqual([
      0x1005,
      null,
      2 ** 47 + 4095,
    ]);
    expect([table.lookup(2 ** 48), table.lookup(2 ** 48 + 5), table.lookup(last - 1)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe("what is refused", () => {
  const table = () => new PageTable(twoLevel32);

  test("a size that no descriptor has is EINVAL (M-23)", () => {
    const what = "two levels of 32 bits: 0x2000 is no size of a page";
    expect(() => table().mapPages(0, 0, 8 * K, 1, READ)).toThrow(`iommu_map: -EINVAL: ${what}`);
    expect(() => table().unmapPages(0, 8 * K, 1)).toThrow(`iommu_unmap: -EINVAL: ${what}`);
  });

  test("addresses past the end of either side are ERANGE, and nothing is mapped (M-23)", () => {
    const each = table();
    expect(() => each.mapPages(2 ** 32 - 4 * K, 0, 4 * K, 2, READ)).toThrow(
      "iommu_map: -ERANGE: 0x100001000 is past the addresses of the table",
    );
    expect(() => each.mapPages(0, 2 ** 32 - 4 * K, 4 * K, 2, READ)).toThrow(
      "iommu_map: -ERANGE: physical address 0x100001000 is past what fits in it",
    );
    expect([each.lookup(2 ** 32 - 4 * K), each.lookup(0), each.tables]).toEqual([null, null, 1]);
  });

  test("a page over a page stops the map there; what was mapped stays, and says how many (M-24)", () => {
    const each = table();
    each.mapPages(3 * 4 * K, 0x9000, 4 * K, 1, READ);
    expect(each.mapPages(0, 0x10_0000, 4 * K, 8, WRITE)).toBe(3);
    expect([each.lookup(2 * 4 * K), each.lookup(3 * 4 * K), each.lookup(4 * 4 * K)]).toEqual([
      0x10_2000,
      0x9000,
      null,
    ]);
    each.mapPages(M, 0, M, 1, READ);
    expect(each.mapPages(M + 4 * K, 0, 4 * K, 1, READ), "under a block").toBe(0);
    expect(each.mapPages(M, 0, M, 1, READ), "a block over a block").toBe(0);
  });

  test("a table that is in the way of a block goes, with what it maps (M-24)", () => {
    const each = table();
    each.mapPages(M, 0x5000, 4 * K, 3, READ);
    expect(each.mapPages(M, 7 * M, M, 1, READ)).toBe(1);
    expect([each.lookup(M), each.lookup(2 * M - 1)]).toEqual([7 * M, 8 * M - 1]);
    each.collect();
    expect(each.tables).toBe(1);
  });

  test("a part of a block cannot be taken out where blocks are not split (M-26)", () => {
    const each = new PageTable(twoLevel32, { partialBlocks: "refuse" });
    each.mapPages(M, 0, M, 1, READ);
    expect(each.unmapPages(M + 4 * K, 4 * K, 1)).toBe(0);
    expect(each.lookup(M + 4 * K)).toBe(4 * K);
  });
});

/** Memory that has room for so many tables. */
class ScarceMemory extends RecordedTableMemory {
  left = Number.POSITIVE_INFINITY;

  override allocate(bytes: number): ReturnType<RecordedTableMemory["allocate"]> {
    if (this.left-- <= 0) throw new KernelError("ENOMEM", "iommu_map", "no table");
    return super.allocate(bytes);
  }
}

describe("without memory for tables", () => {
  test("a map is ENOMEM, and what it had mapped is not mapped any more (M-12)", () => {
    const memory = new ScarceMemory();
    const table = new PageTable(twoLevel32, { memory });
    memory.left = 1;
    expect(() => table.mapPages(0, 0, 4 * K, 300, READ)).toThrow("-ENOMEM");
    for (let page = 0; page < 300; page++) expect(table.lookup(page * 4 * K)).toBeNull();
    memory.left = 1;
    expect(table.mapPages(0, 0, 4 * K, 300, READ)).toBe(300);
  });

  test("a block is not split, and stays whole", () => {
    const memory = new ScarceMemory();
    const table = new PageTable(twoLevel32, { memory });
    table.mapPages(M, 0, M, 1, READ);
    memory.left = 0;
    expect(table.unmapPages(M + 4 * K, 4 * K, 1)).toBe(0);
    expect(table.lookup(M + 4 * K)).toBe(4 * K);
  });

  test("any other error comes through", () => {
    const memory = new LooseTableMemory();
    const table = new PageTable(twoLevel32, { memory });
    table.mapPages(M, 0, M, 1, READ);
    memory.allocate = () => {
      throw new TypeError("broken");
    };
    expect(() => table.unmapPages(M + 4 * K, 4 * K, 1)).toThrow("broken");
  });
});

describe("tables that are not in use any more", () => {
  test("stay for walkers that remember them, down to the pages, until they are collected (G.9)", () => {
    const memory = new RecordedTableMemory();
    const table = new PageTable(fourLevel64, { memory });
    table.mapPages(G, 0x7000, 4 * K, 512, READ);
    const remembered = [1, 2, 3].map((depth) => table.tableAt(G, depth));
    table.unmapPages(G, G, 1);
    expect(table.lookup(G)).toBeNull();
    for (const [i, from] of remembered.slice(1).entries()) {
      expect(table.walk(G + 4 * K, i + 2, from)).toBe(Descriptor.LEAF);
      expect(table.output(G + 4 * K)).toBe(0x8000);
    }
    expect(memory.inUse.size).toBe(4);
    table.collect();
    expect(memory.inUse.size).toBe(2);
    expect(table.tables).toBe(2);
  });

  test("are collected by the range that was invalidated, if they stood for nothing else", () => {
    const memory = new RecordedTableMemory();
    const table = new PageTable(fourLevel64, { memory });
    for (const block of [0, 1, 2]) table.mapPages(G + block * 2 * M, 0, 4 * K, 512, READ);
    table.unmapPages(G, 2 * M, 3);
    expect(memory.inUse.size).toBe(6);
    table.collect(G, G + 2 * M);
    expect(memory.inUse.size).toBe(5);
    table.collect(G + 2 * M + 4 * K, G + 4 * M);
    table.collect(G + 2 * M, G + 4 * M - 4 * K);
    expect(memory.inUse.size, "a part of what the second stood for").toBe(5);
    table.collect(0, 2 * G);
    expect(memory.inUse.size).toBe(3);
  });

  test("give their place to new ones, which are empty", () => {
    const table = new PageTable(tiny64);
    for (let round = 0; round < 20; round++) {
      expect(table.mapPages(0, 0, 4 * K, 64, READ)).toBe(64);
      expect(table.unmapPages(0, 64 * K, 4)).toBe(4);
      table.collect();
      expect(table.mapPages(0, 0, 4 * K, 1, READ)).toBe(1);
      expect([table.lookup(4 * K), table.lookup(16 * K), table.tables]).toEqual([null, null, 3]);
      table.unmapPages(0, 64 * K, 1);
      table.collect();
    }
    expect(table.bytes).toBeLessThan(100_000);
  });
});

test("a block is split in an order in which a walker always finds it or its pages", () => {
  const memory = new RecordedTableMemory();
  const table = new PageTable(twoLevel32, { memory, coherentWalk: false });
  table.mapPages(M, 0, M, 1, READ);
  memory.clear();
  table.unmapPages(M + 4 * K, 4 * K, 1);
  const [root, pages] = [...memory.inUse.keys()] as [number, number];
  expect(memory.writes).toEqual([
    { address: pages, bytes: 1024 },
    { address: pages, bytes: 1024 },
    { address: root + 4, bytes: 4 },
    { address: pages + 4, bytes: 4 },
  ]);
  expect(memory.syncs).toEqual(memory.writes);
});

test("a walk tells where it ended: level, size, and the descriptor's words", () => {
  const table = new PageTable(fourLevel64);
  table.mapPages(2 * M, 0x1_2340_0000, 2 * M, 1, READ | WRITE);
  expect(table.walk(2 * M + 7)).toBe(Descriptor.LEAF);
  expect([table.level, table.size, table.output(2 * M + 7)]).toEqual([2, 2 * M, 0x1_2340_0007]);
  // Page frame 0x123400 is 1 * 2^20 + 0x23400; flags 3, kind 1.
  expect([table.low, table.high]).toEqual([0x100, 0x2340_000d]);
  expect(table.descriptor(2 * M, 2)).toEqual([0x100, 0x2340_000d]);
  expect(table.descriptor(2 * M, 3)).toBeNull();
  expect(table.descriptor(2 * M, 9)).toBeNull();
  expect(table.walk(0)).toBe(Descriptor.INVALID);
  expect([table.level, table.size, table.low, table.high]).toEqual([2, 2 * M, 0, 0]);
  expect(table.walk(5 * G)).toBe(Descriptor.INVALID);
  expect([table.level, table.size]).toEqual([1, G]);
});

test("a fetch reads one descriptor a level, each where the one before points", () => {
  const memory = new RecordedTableMemory();
  const table = new PageTable(fourLevel64, { memory });
  table.mapPages(0x12_3456_7000, 0x9000, 4 * K, 1, READ);
  const path = [0, 0x48, 0x1a2, 0x167];
  const tables = [...memory.inUse.keys()];
  expect(table.fetch(0x12_3456_7000)).toBe(Descriptor.LEAF);
  expect(memory.fetches).toEqual(
    path.map((index, i) => ({ address: (tables[i] as number) + index * 8, bytes: 8 })),
  );
  expect(table.rootAddress).toBe(tables[0]);
});
