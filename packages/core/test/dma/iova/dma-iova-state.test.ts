// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../../src/address.ts";
import { DmaDomain } from "../../../src/dma/iova/dma-domain.ts";
import { DmaIovaState } from "../../../src/dma/iova/dma-iova-state.ts";
import { IovaDomain } from "../../../src/dma/iova/iova-domain.ts";
import { IommuProt } from "../../../src/iommu/iommu-prot.ts";
import { PlainTable } from "../../../src/iommu/plain-table.ts";
import { MILLISECOND } from "../../../src/sim/clock.ts";
import { reached } from "../../iommu/reached.ts";
import { VirtualTime } from "./virtual-time.ts";

const { READ, WRITE } = IommuProt;
const LIMIT = { mask: 2 ** 32 - 1 };
const PAGE = 4096;

class SyncedTable extends PlainTable {
  readonly synced: [number, number][] = [];

  syncMap(iova: DmaAddr, size: number): void {
    this.synced.push([iova, size]);
  }
}

function setUp() {
  const time = new VirtualTime();
  const warnings: string[] = [];
  const table = new SyncedTable();
  const diagnostics = { warn: (...words: string[]) => warnings.push(words.join(" ")) };
  const domain = new DmaDomain({ iova: new IovaDomain(), table, lazy: { timers: time }, diagnostics });
  const allocate = (phys: number, size: number) =>
    DmaIovaState.tryAllocate(domain, phys as PhysAddr, size, LIMIT) as DmaIovaState;
  return { time, warnings, table, domain, allocate };
}

test("pages from anywhere become one range, the first and the last of them partly used", () => {
  const { table, allocate, warnings } = setUp();
  const state = allocate(0x1_0e00, 0x200 + PAGE + 0x300);
  expect([state.address, state.size]).toEqual([0xffff_ce00, 0x1500]);
  state.link(0x1_0e00 as PhysAddr, 0, 0x200, READ | WRITE);
  state.link(0x7_0000 as PhysAddr, 0x200, PAGE, READ | WRITE);
  state.link(0x3_0000 as PhysAddr, 0x200 + PAGE, 0x300, READ | WRITE);
  expect(state.isReady(0, 0x200)).toBe(false);
  state.sync(0, state.size);
  expect(state.isReady(0, state.size)).toBe(true);
  expect(table.synced).toEqual([[0xffff_c000, 3 * PAGE]]);
  const at = (offset: number) => reached(table, (state.address + offset) as DmaAddr, READ);
  expect([at(0), at(0x1ff), at(0x200), at(0x1200), at(0x14ff)]).toEqual([
    0x1_0e00, 0x1_0fff, 0x7_0000, 0x3_0000, 0x3_02ff,
  ]);
  state.destroy(state.size);
  expect([table.mappedBytes, warnings]).toEqual([0, []]);
});

test("memory that begins within a granule can only come first (I-21)", () => {
  const { allocate, warnings } = setUp();
  const state = allocate(0, 4 * PAGE);
  state.link(0x1_0000 as PhysAddr, 0, PAGE, READ);
  expect(() => state.link(0x2_0010 as PhysAddr, PAGE, 100, READ)).toThrow("dma_iova_link: -EIO");
  expect(warnings).toEqual([
    "I-21 dma_iova_link memory at 0x20010 begins within a granule of 4096, at offset 4096",
  ]);
});

test("nothing can follow a piece that ends within a granule, and nothing is linked twice", () => {
  const { allocate } = setUp();
  const state = allocate(0, 4 * PAGE);
  state.link(0x1_0000 as PhysAddr, 0, 100, READ);
  expect(() => state.link(0x2_0000 as PhysAddr, 100, 100, READ)).toThrow("iommu_map: -EINVAL");
  expect(() => state.link(0x2_0000 as PhysAddr, 0, PAGE, READ)).toThrow("iommu_map: -EEXIST");
  expect(() => state.link(0x2_0000 as PhysAddr, 3 * PAGE, 2 * PAGE, READ)).toThrow(
    "[12288, 20480) is not a part of 16384 bytes of addresses",
  );
  expect(state.linkedBytes).toBe(100);
});

test("unlink closes the window at once, in lazy mode too; destroy leaves it open until the flush (I-23)", () => {
  const { time, table, domain, allocate } = setUp();
  const [a, b] = [allocate(0, PAGE), allocate(0, PAGE)];
  for (const state of [a, b]) {
    state.link(0x5000 as PhysAddr, 0, PAGE, WRITE);
    state.sync(0, PAGE);
    reached(table, state.address, WRITE);
  }
  a.unlink(0, PAGE);
  expect(reached(table, a.address, WRITE)).toBeNull();
  a.free();
  expect(allocate(0, PAGE).address).toBe(a.address);
  b.destroy(PAGE);
  expect(reached(table, b.address, WRITE)).toBe(0x5000);
  expect(domain.flushQueue?.length).toBe(1);
  time.pass(10 * MILLISECOND);
  expect(reached(table, b.address, WRITE)).toBeNull();
  expect(allocate(0, PAGE).address).toBe(b.address);
});

test("a part may be unlinked and linked again", () => {
  const { table, allocate } = setUp();
  const state = allocate(0, 3 * PAGE);
  state.link(0x1_0000 as PhysAddr, 0, 3 * PAGE, READ);
  state.unlink(PAGE, PAGE);
  expect([state.linkedBytes, table.mappedBytes]).toEqual([2 * PAGE, 2 * PAGE]);
  state.link(0x9_0000 as PhysAddr, PAGE, PAGE, READ);
  state.sync(PAGE, PAGE);
  expect([state.isReady(PAGE, PAGE), state.isReady(0, PAGE)]).toEqual([true, false]);
});

test("destroy with nothing linked, and with less linked than allocated", () => {
  const { time, domain, allocate } = setUp();
  const empty = allocate(0, PAGE);
  empty.destroy(0);
  expect(domain.iova.caches.cachedCount).toBe(1);
  const partly = allocate(0, 4 * PAGE);
  partly.link(0 as PhysAddr, 0, PAGE, READ);
  partly.destroy(PAGE);
  time.pass(10 * MILLISECOND);
  expect(allocate(0, 4 * PAGE).address).toBe(partly.address);
});

test("WARNs: a size of 0, freed or destroyed while linked, unlinked what is not", () => {
  const { domain, warnings, allocate } = setUp();
  expect(DmaIovaState.tryAllocate(domain, 0 as PhysAddr, 0, LIMIT)).toBeNull();
  expect(DmaIovaState.tryAllocate(domain, 0 as PhysAddr, 2 ** 33, LIMIT)).toBeNull();
  const [a, b] = [allocate(0, 2 * PAGE), allocate(0, 2 * PAGE)];
  a.link(0 as PhysAddr, 0, PAGE, READ);
  a.unlink(0, 2 * PAGE);
  a.link(0 as PhysAddr, PAGE, PAGE, READ);
  a.free();
  b.link(0 as PhysAddr, 0, 2 * PAGE, READ);
  b.destroy(PAGE);
  expect(warnings).toEqual([
    "I-20 dma_iova_try_alloc a size of 0",
    "I-5 dma_iova_unlink 0xffffe000: only 4096 of 8192 bytes were mapped",
    "I-23 dma_iova_free 4096 bytes are still linked",
    "I-23 dma_iova_destroy 4096 bytes are still linked",
  ]);
  expect(() => a.sync(0, PAGE)).toThrow("the addresses from 0xffffe000 on are freed");
  expect(() => a.free()).toThrow("are freed");
});
