// SPDX-License-Identifier: MIT
import { IommuProt, PageTable, pageRuns, type TableFormat } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstLevel } from "../src/first-level.ts";
import { secondLevel } from "../src/second-level.ts";

const { READ, WRITE } = IommuProt;
const KIB4 = 2 ** 12;
const MIB2 = 2 ** 21;
const all = ["2MiB", "1GiB"] as const;

const formats: readonly TableFormat[] = [
  ...([39, 48, 57] as const).map((width) => secondLevel(width, all)),
  ...([48, 57] as const).map((width) => firstLevel(width, all)),
];

/** Ranges around a border of 2 MiB and of 1 GiB, high up and low down. */
const step = (bases: readonly number[]) =>
  fc.record({
    op: fc.constantFrom("map" as const, "map" as const, "unmap" as const),
    base: fc.constantFrom(...bases),
    page: fc.nat(1023),
    pages: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(512, 1024)),
    phys: fc.constantFrom(0x1000, MIB2, 2 ** 30, 2 ** 36 + MIB2, 2 ** 45),
    aligned: fc.boolean(),
  });

interface Mapped {
  readonly phys: number;
}

describe.each(formats)("$name", (format) => {
  test("translates as a Map of pages does, whatever sizes it maps and splits", () => {
    const top = 2 ** Math.min(51, format.levels.length * 9 + 11);
    const bases = [0, 2 ** 30 - MIB2, top - 2 * MIB2];
    fc.assert(
      fc.property(fc.array(step(bases), { maxLength: 12 }), (steps) => {
        const table = new PageTable(format);
        const naive = new Map<number, Mapped>();
        for (const { op, base, page, pages, phys, aligned } of steps) {
          const first = aligned ? 0 : page;
          const count = Math.min(pages, 1024 - first);
          const iova = base + first * KIB4;
          if (op === "map") {
            const list = Array.from({ length: count }, (_, i) => iova + i * KIB4);
            if (list.some((at) => naive.has(at))) continue;
            for (const run of runs(table, iova, phys, count * KIB4))
              expect(table.mapPages(run.iova, run.phys, run.pageSize, run.count, READ | WRITE)).toBe(
                run.count,
              );
            for (const [i, at] of list.entries()) naive.set(at, { phys: phys + i * KIB4 });
          } else {
            let unmapped = 0;
            while (unmapped < count && naive.has(iova + unmapped * KIB4)) unmapped++;
            expect(table.unmapPages(iova, KIB4, count)).toBe(unmapped);
            for (let i = 0; i < unmapped; i++) naive.delete(iova + i * KIB4);
            table.collect();
          }
        }
        for (const base of bases)
          for (let page = 0; page < 1024; page += 1) {
            const at = base + page * KIB4;
            const expected = naive.get(at);
            if (table.lookup(at + 42) !== (expected === undefined ? null : expected.phys + 42))
              expect.fail(`0x${at.toString(16)} goes to ${table.lookup(at)}, not ${expected?.phys}`);
          }
      }),
      { seed: 20261120, numRuns: 60 },
    );
  });

  // What drivers/iommu/io-pgtable-arm.c's self-test does with its formats, step by step.
  test("passes the steps of the kernel's page-table self-test", () => {
    const table = new PageTable(format);
    const sizes = table.pageSizes;
    for (const at of [42, 2 ** 30 + 42, 2 ** 31 + 42]) expect(table.lookup(at)).toBeNull();
    sizes.forEach((size, i) => {
      const iova = i * 2 ** 30;
      expect(table.mapPages(iova, iova, size, 1, READ | WRITE)).toBe(1);
      expect(table.mapPages(iova, iova + size, size, 1, READ)).toBe(0);
      expect(table.lookup(iova + 42)).toBe(iova + 42);
    });
    const small = sizes[0] as number;
    expect(table.unmapPages(2 ** 30 + small, small, 1)).toBe(1);
    expect(table.mapPages(2 ** 30 + small, small, small, 1, READ)).toBe(1);
    expect(table.lookup(2 ** 30 + small + 42)).toBe(small + 42);
    sizes.forEach((size, i) => {
      const iova = i * 2 ** 30;
      expect(table.unmapPages(iova, size, 1)).toBe(1);
      expect(table.lookup(iova + 42)).toBeNull();
      expect(table.mapPages(iova, iova, size, 1, READ | WRITE)).toBe(1);
      expect(table.lookup(iova + 42)).toBe(iova + 42);
    });
  });
});

/** The runs of pages that a range is mapped with, and where each begins. */
function* runs(table: PageTable, iova: number, phys: number, size: number) {
  let done = 0;
  for (const { pageSize, count } of pageRuns(table.pageSizes, iova, phys, size)) {
    yield { iova: iova + done, phys: phys + done, pageSize, count };
    done += pageSize * count;
  }
}
