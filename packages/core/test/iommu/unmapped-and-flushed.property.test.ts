// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../src/address.ts";
import { assemble } from "../../src/index.ts";
import { IommuProt, type IommuTable } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { toyUnit } from "./toy-unit.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 4096;
const PAGES = 24;
/** Pages on both sides of the boundary between two tables. */
const BASE = 0x4010_0000 - (PAGES / 2) * PAGE;

const range = { from: fc.nat(PAGES - 1), length: fc.integer({ min: 1, max: 6 }), of: fc.nat(1) };
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("map" as const),
      ...range,
      prot: fc.constantFrom(READ, WRITE, READ | WRITE),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("unmap" as const, "flush" as const), ...range }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom("read" as const, "write" as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flush all" as const), ...range }) },
);

test("no device reaches a page that was unmapped and flushed, nor writes one that was only ever mapped to be read", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), fc.boolean(), (steps, coherentWalk) => {
      const device = (id: number) =>
        ({ class: "dma", coherent: true, iommu: { unit: "mmu", ids: [id] } }) as const;
      const board = {
        model: "two",
        memory: [{ base: 0, size: "16MiB" }],
        devices: { a: device(1), b: device(2) },
      } as const;
      const unit = assemble(board, [toyArch(), toyUnit("mmu", { coherentWalk })])
        .boot()
        .iommu("mmu");
      const tables = [1, 2].map((id): IommuTable => {
        const table = unit.allocateDomain();
        unit.attach({ devices: ["a"], ids: [id], untrusted: false }, table);
        return table;
      });
      // By device and page: what the tables say, and all that may be remembered since the last flush of the page.
      const now = [new Map<number, [number, number]>(), new Map<number, [number, number]>()];
      const could = [0, 1].map(() => Array.from({ length: PAGES }, () => new Set<string>()));
      let next = 0x10_0000;
      const forget = (of: number, page: number): void => {
        const left = now[of]?.get(page);
        const known = could[of]?.[page] as Set<string>;
        known.clear();
        if (left !== undefined) known.add(String(left));
      };
      for (const { op, from, length, of, ...rest } of steps) {
        const pages = Array.from({ length: Math.min(length, PAGES - from) }, (_, i) => from + i);
        const table = tables[of] as IommuTable;
        const mapped = now[of] as Map<number, [number, number]>;
        const iova = (BASE + from * PAGE) as DmaAddr;
        if (op === "map") {
          if (pages.some((page) => mapped.has(page))) continue;
          const { prot } = rest as { prot: number };
          table.map(iova, next as PhysAddr, pages.length * PAGE, prot);
          for (const [i, page] of pages.entries()) {
            mapped.set(page, [next + i * PAGE, prot]);
            could[of]?.[page]?.add(String(mapped.get(page)));
          }
          next += pages.length * PAGE;
        } else if (op === "unmap") {
          const hole = pages.findIndex((page) => !mapped.has(page));
          const gone = hole < 0 ? pages : pages.slice(0, hole);
          expect(table.unmap(iova, pages.length * PAGE)).toBe(gone.length * PAGE);
          for (const page of gone) mapped.delete(page);
        } else if (op === "flush") {
          table.flush(iova, pages.length * PAGE);
          for (const page of pages) forget(of, page);
        } else if (op === "flush all") {
          table.flushAll();
          for (let page = 0; page < PAGES; page++) forget(of, page);
        } else {
          const access = op === "read" ? READ : WRITE;
          for (const page of pages) {
            const { fault, address, missing } = unit
              .translation(of + 1)
              .translate(BASE + page * PAGE + 8, access);
            const allowed = [...(could[of]?.[page] ?? [])]
              .map((each) => each.split(",").map(Number))
              .filter(([, prot]) => ((prot as number) & access) !== 0)
              .map(([phys]) => (phys as number) + 8);
            if (fault === null) {
              if (!allowed.includes(address))
                expect.fail(`page ${page} of ${of}: 0x${address.toString(16)} is reached`);
              const [current] = mapped.get(page) ?? [];
              expect(missing === null).toBe(current !== undefined && current + 8 === address);
            } else if (mapped.has(page) && could[of]?.[page]?.size === 1) {
              // Nothing else can be remembered, so what is mapped must be reached.
              expect((mapped.get(page)?.[1] ?? 0) & access).toBe(0);
            }
          }
        }
      }
    }),
    { seed: 20261120, numRuns: 120 },
  );
});
