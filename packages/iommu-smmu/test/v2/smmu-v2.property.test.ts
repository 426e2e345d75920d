// SPDX-License-Identifier: MIT
import { IommuProt, type IommuTable } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { omissions, type SmmuV2Omission } from "../../src/v2/omission.ts";
import { flush, Machine, map, unmap } from "./machine.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 0x1000;
/** Two regions of 2 MiB, of which the first pages are used, or all as one. */
const BLOCK = 0x20_0000;
const PAGES = 12;

const step = fc.record({
  what: fc.constantFrom("map", "map", "unmap", "map block", "unmap block", "flush all", "new domain", "look"),
  stream: fc.nat(1),
  region: fc.nat(1),
  page: fc.nat(PAGES - 1),
  count: fc.integer({ min: 1, max: 4 }),
  /** Blocks are congruent with it or not. */
  phys: fc.nat(255),
  prot: fc.constantFrom(READ, READ | WRITE),
});

/** What a stream gets at: physical address and flags of each page. */
type Pages = Map<number, { phys: number; prot: number }>;

/** Does the steps; calls `judge` with every answer and what is right. */
function play(
  machine: Machine,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  judge: (missing: string | null, reached: number | null, right: number | null) => void,
): void {
  const fresh = (stream: number): { table: IommuTable; pages: Pages } => ({
    table: machine.domain(stream + 1),
    pages: new Map(),
  });
  const domains = [fresh(0), fresh(1)];
  for (const { what, stream, region, page, count, phys, prot } of steps) {
    const { table, pages } = domains[stream] as ReturnType<typeof fresh>;
    const base = region * BLOCK;
    const at = base + page * PAGE;
    const put = (iova: number, to: number, size: number): void => {
      for (let done = 0; done < size; done += PAGE) if (pages.has((iova + done) / PAGE)) return;
      map(table, iova, to, size, prot);
      for (let done = 0; done < size; done += PAGE)
        pages.set((iova + done) / PAGE, { phys: to + done, prot });
    };
    const take = (iova: number, size: number): void => {
      for (let done = 0; done < size; done += PAGE) if (!pages.has((iova + done) / PAGE)) return;
      expect(unmap(table, iova, size)).toBe(size);
      for (let done = 0; done < size; done += PAGE) pages.delete((iova + done) / PAGE);
      flush(table, iova, size);
    };
    if (what === "map") put(at, phys * PAGE, count * PAGE);
    else if (what === "unmap") take(at, count * PAGE);
    // Every other one is of 512 pages rather than a block.
    else if (what === "map block") put(base, phys * BLOCK + (phys % 2) * PAGE, BLOCK);
    else if (what === "unmap block") take(base, BLOCK);
    else if (what === "flush all") table.flushAll();
    else if (what === "new domain") {
      machine.attach("blocked", stream + 1);
      machine.unit.freeDomain(table);
      domains[stream] = fresh(stream);
    }
    for (const access of [READ, WRITE]) {
      const { fault, address, missing } = machine.access(at + 5, access, stream + 1);
      const known = domains[stream]?.pages.get(at / PAGE);
      const right = known !== undefined && (access & ~known.prot) === 0 ? known.phys + 5 : null;
      judge(missing, fault === null ? address : null, right);
    }
  }
}

describe.each([1, 2] as const)("with stage %i", (stage) => {
  test("a driver that forgets nothing is never stale: what a device gets at is what a naive map of pages says", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        play(new Machine({ stage }, { a: [1], b: [2] }), steps, (missing, reached, right) =>
          expect([missing, reached]).toEqual([null, right]),
        );
      }),
      { seed: 20261120, numRuns: 60 },
    );
  });

  test("whatever the driver forgets, every answer that is wrong says what is missing", () => {
    let wrong = 0;
    fc.assert(
      fc.property(
        fc.subarray([...omissions], { minLength: 3 }),
        fc.array(step, { minLength: 20, maxLength: 60 }),
        (...of) => {
          const [omits, steps] = of;
          const machine = new Machine({ stage, omits: omits as SmmuV2Omission[] }, { a: [1], b: [2] });
          play(machine, steps, (missing, reached, right) => {
            if (reached !== right) {
              wrong++;
              expect(missing).toMatch(/^(TLB|sTLB)/);
            }
          });
        },
      ),
      { seed: 20261120, numRuns: 150 },
    );
    expect(wrong).toBeGreaterThan(100);
  });
});
