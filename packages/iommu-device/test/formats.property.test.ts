// SPDX-License-Identifier: MIT
import { IommuProt, PageTable, type TableFormat } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { etnavivV1Format } from "../src/etnaviv/v1-format.ts";
import { etnavivV2Format } from "../src/etnaviv/v2-format.ts";
import { gpuPageTable } from "../src/gpu-vm/gpu-page-table.ts";
import { maliLpaeFormat } from "../src/mali/lpae-format.ts";
import { limaFormat, rockchipV1Format, rockchipV2Format } from "../src/rockchip/formats.ts";
import { v3dFormat } from "../src/v3d/v3d-format.ts";

const { READ, WRITE } = IommuProt;
const RW = READ | WRITE;
const PAGE = 4096;
const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;

const BAD_PAGE = 2 ** 32 - PAGE;
const formats: readonly TableFormat[] = [
  etnavivV1Format(BAD_PAGE),
  etnavivV2Format,
  rockchipV1Format,
  rockchipV2Format,
  limaFormat,
  v3dFormat,
  maliLpaeFormat,
  gpuPageTable,
];

describe.each(formats.map((format) => [format.name, format] as const))("%s", (_, format) => {
  test("gives back every address that fits, from the lowest page to the highest", () => {
    const table = new PageTable(format);
    const pages = (end: number) => fc.integer({ min: 0, max: end / PAGE - 1 }).map((page) => page * PAGE);
    fc.assert(
      fc.property(
        fc.oneof(pages(table.end), fc.constantFrom(0, table.end - PAGE)),
        fc.oneof(pages(format.outputEnd), fc.constantFrom(0, format.outputEnd - 2 * PAGE)),
        fc.nat(PAGE - 1),
        (at, to, offset) => {
          fc.pre(to !== BAD_PAGE);
          expect(table.mapPages(at, to, PAGE, 1, RW)).toBe(1);
          expect(table.lookup(at + offset)).toBe(to + offset);
          expect(format.protOf(table.low, table.high, table.level) & RW).toBe(RW);
          expect(table.mapPages(at, to, PAGE, 1, RW)).toBe(0);
          expect(table.unmapPages(at, PAGE, 1)).toBe(1);
          expect(table.lookup(at + offset)).toBeNull();
        },
      ),
      { seed: 20261120, numRuns: 150 },
    );
  });

  test("agrees with a Map of pages, whatever is mapped and unmapped across boundaries of 64 KiB to 2 MiB", () => {
    const first = 2 * MiB - 24 * PAGE;
    const step = fc.record({
      map: fc.boolean(),
      page: fc.nat(40),
      count: fc.constantFrom(1, 2, 5, 16, 24),
      // Aligned as the addresses are, or by a page off.
      shift: fc.constantFrom(0, 1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const table = new PageTable(format);
        const pages = new Map<number, number>();
        for (const { map, page, count, shift } of steps) {
          const at = first + page * PAGE;
          const to = 64 * MiB + at + shift * PAGE;
          const list = Array.from({ length: count }, (_, i) => i);
          if (!map) {
            const stop = list.findIndex((i) => !pages.has(page + i));
            const expected = stop < 0 ? count : stop;
            for (const i of list.slice(0, expected)) pages.delete(page + i);
            expect(table.unmapPages(at, PAGE, count)).toBe(expected);
          } else if (list.some((i) => pages.has(page + i))) {
          } else {
            for (const i of list) pages.set(page + i, to + i * PAGE);
            expect(table.mapPages(at, to, PAGE, count, RW)).toBe(count);
          }
        }
        for (let page = 0; page < 66; page++)
          expect(table.lookup(first + page * PAGE)).toBe(pages.get(page) ?? null);
      }),
      { seed: 20261120, numRuns: 60 },
    );
  });
});

// The kernel's own test of Arm's formats, with the pages that Mali's driver uses (arm_lpae_do_selftests).
describe("the kernel's self-test of io-pgtable, with Mali's pages", () => {
  const sizes = [4 * KiB, 2 * MiB];
  const mapAll = (table: PageTable, i: number, prot: number): number =>
    table.mapPages(i * GiB, i * GiB, sizes[i] as number, 1, prot);

  test("step by step", () => {
    const table = new PageTable(maliLpaeFormat);
    for (const at of [42, GiB + 42, 2 * GiB + 42]) expect(table.lookup(at)).toBeNull();
    sizes.forEach((size, i) => {
      expect(mapAll(table, i, RW | IommuProt.NOEXEC | IommuProt.CACHE)).toBe(1);
      expect(table.mapPages(i * GiB, i * GiB + size, size, 1, READ | IommuProt.NOEXEC)).toBe(0);
      expect(table.lookup(i * GiB + 42)).toBe(i * GiB + 42);
    });
    const part = GiB + 4 * KiB;
    expect(table.unmapPages(part, 4 * KiB, 1)).toBe(1);
    expect(table.mapPages(part, 4 * KiB, 4 * KiB, 1, READ)).toBe(1);
    expect(table.lookup(part + 42)).toBe(4 * KiB + 42);
    sizes.forEach((size, i) => {
      expect(table.unmapPages(i * GiB, size, 1)).toBe(1);
      expect(table.lookup(i * GiB + 42)).toBeNull();
      expect(mapAll(table, i, WRITE)).toBe(1);
      expect(table.lookup(i * GiB + 42)).toBe(i * GiB + 42);
    });
  });
});
