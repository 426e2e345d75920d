// SPDX-License-Identifier: MIT
import type { DmaAddr, KernelError, PhysAddr } from "@dmabuf/core";
import { IommuProt, PageTable, PagingDomain } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { config } from "./config.ts";

const RW = IommuProt.READ | IommuProt.WRITE;
const SLOTS = 4;
const SPAN = 24;

/** What stands for one block: nothing, the block, or a table with some pages. */
type Slot = null | { block: number } | { pages: Map<number, number> };

const step = fc.record({
  slot: fc.nat(SLOTS - 1),
  what: fc.constantFrom("map", "unmap", "map block", "unmap block"),
  page: fc.nat(SPAN - 1),
  count: fc.integer({ min: 1, max: 8 }),
  to: fc.nat(2 ** 16),
});

describe("maps and unmaps of pages and blocks do what a naive map of pages does", () => {
  for (const stage of [1, 2] as const)
    for (const [granule, page, block] of [
      ["4KiB", 0x1000, 0x20_0000],
      ["16KiB", 0x4000, 0x200_0000],
      ["64KiB", 0x1_0000, 0x2000_0000],
    ] as const)
      test(`stage ${stage}, ${granule}`, () => {
        const property = fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
          const table = new PageTable(lpaeFormat(config(stage, granule)));
          const domain = new PagingDomain({ table, invalidation: { range() {}, all() {} } });
          const slots: Slot[] = Array.from({ length: SLOTS }, () => null);
          const map = (iova: number, phys: number, size: number): boolean => {
            try {
              domain.map(iova as DmaAddr, phys as PhysAddr, size, RW);
              return true;
            } catch (error) {
              expect((error as KernelError).errno).toBe("EEXIST");
              return false;
            }
          };
          for (const { slot, what, page: first, count, to } of steps) {
            const base = slot * block;
            const known = slots[slot] ?? null;
            if (what === "map block") {
              const taken = known !== null && "block" in known;
              expect(map(base, to * block, block)).toBe(!taken);
              if (!taken) slots[slot] = { block: to * block };
            } else if (what === "unmap block") {
              expect(domain.unmap(base as DmaAddr, block)).toBe(known === null ? 0 : block);
              slots[slot] = null;
            } else if (what === "map") {
              const wanted = Array.from({ length: count }, (_, i) => first + i);
              const free = known === null || ("pages" in known && wanted.every((at) => !known.pages.has(at)));
              expect(map(base + first * page, to * page, count * page)).toBe(free);
              const pages = known !== null && "pages" in known ? known.pages : new Map<number, number>();
              if (free) for (const at of wanted) pages.set(at, (to + at - first) * page);
              if (free || known === null) slots[slot] = { pages };
            } else {
              const whole = known === null || "pages" in known ? known?.pages : allPages(known.block);
              let done = 0;
              while (done < count && whole?.delete(first + done) === true) done++;
              expect(domain.unmap((base + first * page) as DmaAddr, count * page)).toBe(done * page);
              if (whole !== undefined) slots[slot] = { pages: whole };
            }
          }
          slots.forEach((slot, i) => {
            for (const at of [0, SPAN / 2, ...Array(SPAN + 8).keys(), block / page - 1]) {
              const iova = i * block + at * page;
              const expected =
                slot === null ? undefined : "block" in slot ? slot.block + at * page : slot.pages.get(at);
              expect(table.lookup(iova + 42)).toBe(expected === undefined ? null : expected + 42);
            }
          });
        });
        const allPages = (from: number): Map<number, number> =>
          new Map(Array.from({ length: block / page }, (_, i) => [i, from + i * page]));
        fc.assert(property, { seed: 20261120, numRuns: 60 });
      });
});

test("every flag that a stage keeps comes back out of the descriptor, and writes the same one again", () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 63 }), fc.boolean(), (stage, prot, page) => {
      fc.pre((prot & RW) !== 0);
      const format = lpaeFormat(config(stage as 1 | 2));
      const words = new Uint32Array(4);
      const level = page ? 3 : 2;
      format.writeLeaves(words, 0, 1, level, 0x7_4020_0000, prot);
      const [low, high] = words as unknown as [number, number];
      format.writeLeaves(
        words,
        2,
        1,
        level,
        format.addressOf(low, high, level),
        format.protOf(low, high, level),
      );
      expect([words[2], words[3]]).toEqual([low, high]);
      // Stage 1 cannot forbid reads, stage 2 has no privileges.
      const lost = stage === 1 ? IommuProt.READ : IommuProt.PRIV;
      expect(format.protOf(low, high, level) & ~lost).toBe(prot & ~lost);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});
