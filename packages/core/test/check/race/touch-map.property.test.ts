// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { Order, TouchClasses } from "../../../src/check/race/touch-class.ts";
import { TouchMap } from "../../../src/check/race/touch-map.ts";
import { AnalysisMachine, Extents, type Operation, Topology } from "../../../src/coherency.ts";

const PAGE = 4096;
const PAGES = 24;

const topology = new Topology({ domains: { cpu: { line: 64 } } });
const { table } = new AnalysisMachine(topology);
const classes = new TouchClasses(table);
const operations = table.operations.operations;

/** A buffer on scattered pages, and another one that shares some of them. */
const buffer = Extents.each(
  [7, 3, 19, 11, 0, 23, 5, 15, 9, 13].map((page) => page * PAGE),
  [7, 3, 19, 11, 0, 23, 5, 15, 9, 13].map((page) => (page + 1) * PAGE),
);
const other = Extents.each(
  [1, 3, 17, 2, 21, 6, 8, 4, 10].map((page) => page * PAGE),
  [1, 3, 17, 2, 21, 6, 8, 4, 10].map((page) => (page + 1) * PAGE),
);

const step = fc.record({
  timeline: fc.nat(2),
  /** Whom it waits for before, if anybody. */
  after: fc.option(fc.nat(2)),
  operation: fc.constantFrom(...operations),
  where: fc.oneof(
    { weight: 6, arbitrary: fc.constant(buffer) },
    { weight: 2, arbitrary: fc.constant(other) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(9), fc.nat(9)).map(([a, b]) => {
        const first = Math.min(a, b);
        return buffer.slice(first * PAGE, (Math.abs(a - b) + 1) * PAGE);
      }),
    },
  ),
});

const pagesOf = (extents: Extents): number[] => {
  const pages: number[] = [];
  for (let page = 0; page < PAGES; page++) if (extents.offsetOf(page * PAGE) >= 0) pages.push(page);
  return pages;
};

it("a page races with exactly what it races with when everything is remembered, page by page", () => {
  let races = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), (steps) => {
      const clocks = [0, 1, 2].map(() => [-1, -1, -1]);
      const found = new Set<string>();
      const before = (timeline: number, seq: number, on: number): boolean =>
        timeline === on || (clocks[on]?.[timeline] ?? -1) >= seq;
      const map = new TouchMap(table, classes, before, (_first, second, _order, start, end) => {
        for (let page = Math.floor(start / PAGE); page * PAGE < end; page++)
          found.add(`${second.step} ${page}`);
      });
      const expected = new Set<string>();
      const touched: { timeline: number; seq: number; operation: Operation; pages: number[] }[] = [];
      for (const [seq, { timeline, after, operation, where }] of steps.entries()) {
        const clock = clocks[timeline] as number[];
        const known = clocks[after ?? timeline] as number[];
        for (const [i, knows] of known.entries()) clock[i] = Math.max(clock[i] as number, knows);
        const pages = pagesOf(where);
        for (const old of touched) {
          const order = classes.order(old.operation.index * 2, operation.index * 2);
          if (order === Order.free || before(old.timeline, old.seq, timeline)) continue;
          for (const page of pages) if (old.pages.includes(page)) expected.add(`${seq} ${page}`);
        }
        map.touch(seq, operation, where, timeline, seq);
        touched.push({ timeline, seq, operation, pages });
        clock[timeline] = seq;
      }
      expect([...found].sort()).toEqual([...expected].sort());
      races += expected.size;
    }),
    { seed: 20261120, numRuns: 200 },
  );
  expect(races).toBeGreaterThan(5000);
});
