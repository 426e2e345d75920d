// SPDX-License-Identifier: MIT
import { dmaAddr, physAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Omission, VtdOptions } from "../src/index.ts";
import { GPU, Machine, master, READ_WRITE, USB } from "./machine.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 4096;
const MIB2 = 2 ** 21;
/** Just below a border of 1 GiB, so that tables of all levels come and go. */
const BASE = 2 ** 30 - MIB2;
const PAGES = 1024;

/** Few places, so that steps meet: small ranges at a border of 2 MiB, and whole tables. */
const place = fc.constantFrom(0, 1, 510, 511, 512, 513);
const range = fc.oneof(
  fc.record({ page: place, pages: fc.integer({ min: 1, max: 3 }) }),
  fc.constantFrom({ page: 0, pages: 512 }, { page: 512, pages: 512 }, { page: 0, pages: 1024 }),
);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("map" as const),
      range,
      phys: fc.constantFrom(0x1_0000, MIB2),
      prot: fc.constantFrom(READ, READ_WRITE),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("unmap" as const), range, flush: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flush all" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("move" as const, "block" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("access" as const),
      page: fc.oneof({ weight: 3, arbitrary: place }, { weight: 1, arbitrary: fc.nat(PAGES - 1) }),
      access: fc.constantFrom(READ, WRITE),
    }),
  },
);

const kinds: readonly VtdOptions[] = [
  {},
  { addressWidth: 57, superpages: ["2MiB"] },
  { cachingMode: true },
  { deviceTlb: [GPU, USB] },
  { mode: "scalable" },
  { mode: "scalable", deviceTlb: [GPU] },
  { mode: "scalable", stage: "second-level", pageSelective: false },
];

interface Mapped {
  readonly to: number;
  readonly prot: number;
}

/**
 * The law: what a device gets is what the tables of its domain say, or the answer says what software has left out; and when
 * software has left nothing out, it is what the tables say. The tables are a Map of pages.
 */
function play(
  options: VtdOptions,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
): void {
  const machine = new Machine({ ...options, coherentWalk: true });
  const { unit } = machine;
  const domains = [machine.domain(GPU), machine.domain(USB)];
  const tables = [new Map<number, Mapped>(), new Map<number, Mapped>()];
  let own: 0 | 1 | null = 0;
  /** Pages that were unmapped from the first domain and not flushed. */
  const owed = [new Set<number>(), new Set<number>()];
  for (const s of steps) {
    if (s.op === "map" && own !== null) {
      const { page } = s.range;
      const pages = Math.min(s.range.pages, PAGES - page);
      const list = Array.from({ length: pages }, (_, i) => page + i);
      const [domain, table] = [domains[own], tables[own]];
      if (list.some((at) => table?.has(at) === true)) continue;
      domain?.map(dmaAddr(BASE + page * PAGE), physAddr(s.phys), pages * PAGE, s.prot);
      domain?.syncMap(dmaAddr(BASE + page * PAGE), pages * PAGE);
      for (const [i, at] of list.entries()) table?.set(at, { to: s.phys + i * PAGE, prot: s.prot });
    } else if (s.op === "unmap" && own !== null) {
      const { page } = s.range;
      const pages = Math.min(s.range.pages, PAGES - page);
      const [domain, table] = [domains[own], tables[own]];
      let unmapped = 0;
      while (unmapped < pages && table?.has(page + unmapped) === true) table.delete(page + unmapped++);
      const at = dmaAddr(BASE + page * PAGE);
      expect(domain?.unmap(at, unmapped * PAGE)).toBe(unmapped * PAGE);
      for (let i = 0; i < unmapped; i++) owed[own]?.add(page + i);
      if (!s.flush || unmapped === 0) continue;
      domain?.flush(at, unmapped * PAGE);
      for (let i = 0; i < unmapped; i++) owed[own]?.delete(page + i);
    } else if (s.op === "flush all" && own !== null) {
      domains[own]?.flushAll();
      owed[own]?.clear();
    } else if (s.op === "move") {
      own = own === 0 ? 1 : 0;
      unit.attach(master(GPU), domains[own] ?? expect.fail());
    } else if (s.op === "block") {
      own = null;
      unit.attach(master(GPU), "blocked");
    } else if (s.op === "access") {
      const at = BASE + s.page * PAGE + 5;
      const { fault, address, missing } = machine.access(at, s.access);
      const truth = own === null ? undefined : tables[own]?.get(s.page);
      const expected = truth !== undefined && (s.access & ~truth.prot) === 0 ? truth.to + 5 : null;
      const got = fault === null ? address : null;
      if (got !== expected)
        expect(missing, `0x${at.toString(16)} is wrong and nobody says so`).not.toBeNull();
      if (options.omits === undefined && (own === null || owed[own]?.size === 0))
        expect([got, missing], `0x${at.toString(16)}`).toEqual([expected, null]);
    }
  }
}

describe.each(kinds)("with %o", (options) => {
  test("a device gets what the tables say, or is told apart from what software left out", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => play(options, steps)),
      { seed: 20261120, numRuns: 50 },
    );
  });
});

const omissions: readonly Omission[] = [
  "iotlb_inv_dsc",
  "cc_inv_dsc",
  "dev_tlb_inv_dsc",
  "inv_wait_dsc",
  "IH=0",
];
const scalable: readonly Omission[] = [
  "p_iotlb_inv_dsc",
  "pc_inv_dsc",
  "dev_tlb_inv_dsc",
  "inv_wait_dsc",
  "IH=0",
];

describe.each<VtdOptions>([
  ...omissions.map((omission) => ({ omits: [omission], deviceTlb: [GPU] })),
  ...scalable.map((omission) => ({ mode: "scalable" as const, omits: [omission], deviceTlb: [GPU] })),
])("with %o", (options) => {
  test("whatever a device gets that the tables do not say is told apart", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => play(options, steps)),
      { seed: 20261120, numRuns: 25 },
    );
  });
});
