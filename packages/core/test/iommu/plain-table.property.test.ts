// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../src/address.ts";
import { IommuProt } from "../../src/iommu/iommu-prot.ts";
import { PlainTable } from "../../src/iommu/plain-table.ts";
import { isStale, reached } from "./reached.ts";

const { READ, WRITE, PRIV, CACHE } = IommuProt;
const PAGES = 40;
const BASE = 2 ** 40;
const GRANULE = 4096;

const range = fc
  .tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 12 }))
  .map(([page, length]) => ({ page, length: Math.min(length, PAGES - page) }));
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("map" as const),
      range,
      phys: fc.nat(60),
      prot: fc.constantFrom(READ, WRITE, READ | WRITE | CACHE, READ | PRIV),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("unmap" as const), range }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("translate" as const),
      page: fc.nat(PAGES - 1),
      access: fc.constantFrom(READ, WRITE, READ | WRITE, READ | PRIV),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flush" as const), range }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flush all" as const) }) },
);

interface Entry {
  readonly phys: number;
  readonly prot: number;
}

const at = (page: number) => (BASE + page * GRANULE) as DmaAddr;

test("agrees with two Maps of pages: one of the page tables, one of the TLB", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const table = new PlainTable();
      const pages = new Map<number, Entry>();
      const tlb = new Map<number, Entry>();
      for (const s of steps) {
        if (s.op === "map") {
          const { page, length } = s.range;
          const map = () => table.map(at(page), (s.phys * GRANULE) as PhysAddr, length * GRANULE, s.prot);
          const list = Array.from({ length }, (_, i) => page + i);
          if (list.some((p) => pages.has(p))) expect(map).toThrow("-EEXIST");
          else {
            map();
            for (const [i, p] of list.entries()) pages.set(p, { phys: s.phys + i, prot: s.prot });
          }
        } else if (s.op === "unmap") {
          let count = 0;
          while (count < s.range.length && pages.delete(s.range.page + count)) count++;
          expect(table.unmap(at(s.range.page), s.range.length * GRANULE)).toBe(count * GRANULE);
        } else if (s.op === "translate") {
          const entry = tlb.get(s.page) ?? pages.get(s.page);
          if (entry !== undefined) tlb.set(s.page, entry);
          const allowed =
            entry !== undefined &&
            ((READ | WRITE) & s.access & ~entry.prot) === 0 &&
            ((entry.prot & PRIV) === 0 || (s.access & PRIV) !== 0);
          expect(reached(table, (at(s.page) + 123) as DmaAddr, s.access)).toBe(
            allowed ? entry.phys * GRANULE + 123 : null,
          );
        } else if (s.op === "flush") {
          table.flush(at(s.range.page), s.range.length * GRANULE);
          for (let i = 0; i < s.range.length; i++) tlb.delete(s.range.page + i);
        } else {
          table.flushAll();
          tlb.clear();
        }
        for (let page = 0; page < PAGES; page++) {
          const entry = pages.get(page);
          const cached = tlb.get(page);
          if (table.lookup(at(page)) !== (entry === undefined ? null : entry.phys * GRANULE))
            expect.fail(`page ${page}`);
          if (table.prot(at(page)) !== (entry?.prot ?? 0)) expect.fail(`flags of page ${page}`);
          const stale = cached !== undefined && (cached.phys !== entry?.phys || cached.prot !== entry.prot);
          if (cached !== undefined && isStale(table, at(page)) !== stale)
            expect.fail(`staleness of page ${page}`);
        }
        expect([table.mappedBytes, table.tlb.pageCount]).toEqual([pages.size * GRANULE, tlb.size]);
      }
    }),
    { seed: 20261120, numRuns: 200 },
  );
});

test("refuses what is not made of granules or past the end, and translates nothing there", () => {
  const table = new PlainTable({ granule: 1024, end: 2 ** 32 });
  const map = (iova: number, phys: number, size: number) => () =>
    table.map(iova as DmaAddr, phys as PhysAddr, size, READ);
  expect(map(100, 0, 1024)).toThrow("iommu_map: -EINVAL: address 0x64 is not a multiple of the granule 1024");
  expect(map(1024, 5, 1024)).toThrow(
    "iommu_map: -EINVAL: physical address 0x5 is not a multiple of the granule 1024",
  );
  expect(map(1024, 0, 1000)).toThrow("iommu_map: -EINVAL: size 1000 is not a multiple of the granule 1024");
  expect(map(2 ** 32 - 1024, 0, 2048)).toThrow("iommu_map: -EINVAL: 0x100000400 is past what is translated");
  expect(table.unmap(0 as DmaAddr, 1), "nothing is taken out (M-13)").toBe(0);
  expect([reached(table, (2 ** 32) as DmaAddr, READ), table.lookup((2 ** 33) as DmaAddr)]).toEqual([
    null,
    null,
  ]);
});

test("a large mapping and its translations are one run each", () => {
  const table = new PlainTable();
  table.map(at(0), 0 as PhysAddr, 2 ** 30, READ);
  for (let page = 0; page < 100; page++) reached(table, at(page), READ);
  expect([table.tlb.pageCount, table.tlb.misses, table.tlb.hits]).toEqual([100, 100, 0]);
  reached(table, at(5), READ);
  expect(table.tlb.hits).toBe(1);
});
