// SPDX-License-Identifier: MIT
// The steps of the kernel's own self-test. @see arm_lpae_run_tests
import { IommuProt, PageTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { config } from "./config.ts";

const { READ, WRITE, CACHE, NOEXEC } = IommuProt;
const GiB = 2 ** 30;
const sizesOf = {
  "4KiB": [0x1000, 0x20_0000, GiB],
  "16KiB": [0x4000, 0x200_0000],
  "64KiB": [0x1_0000, 0x2000_0000],
} as const;

for (const granule of ["4KiB", "16KiB", "64KiB"] as const)
  for (const inputBits of [32, 36, 40, 42, 44, 48])
    describe(`with ${granule} and ${inputBits} bits`, () => {
      for (const stage of [1, 2] as const)
        test(`stage ${stage} passes what the kernel tests`, () => {
          const table = new PageTable(lpaeFormat(config(stage, granule, { inputBits })));
          const sizes = sizesOf[granule];
          const smallest = sizes[0];
          expect(table.pageSizes).toEqual(sizes);

          for (const iova of [42, GiB + 42, 2 * GiB + 42]) expect(table.lookup(iova)).toBe(null);

          sizes.forEach((size, i) => {
            const iova = i * GiB;
            expect(table.mapPages(iova, iova, size, 1, WRITE | READ | NOEXEC | CACHE)).toBe(1);
            expect(table.mapPages(iova, iova + size, size, 1, READ | NOEXEC)).toBe(0);
            expect(table.lookup(iova + 42)).toBe(iova + 42);
          });

          expect(table.unmapPages(GiB + smallest, smallest, 1)).toBe(1);
          expect(table.mapPages(GiB + smallest, smallest, smallest, 1, READ)).toBe(1);
          expect(table.lookup(GiB + smallest + 42)).toBe(smallest + 42);

          sizes.forEach((size, i) => {
            const iova = i * GiB;
            expect(table.unmapPages(iova, size, 1)).toBe(1);
            expect(table.lookup(iova + 42)).toBe(null);
            expect(table.mapPages(iova, iova, size, 1, WRITE)).toBe(1);
            expect(table.lookup(iova + 42)).toBe(iova + 42);
          });
        });
    });
