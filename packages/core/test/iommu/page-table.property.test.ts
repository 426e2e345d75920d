// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Descriptor, PageTable, type TableFormat } from "../../src/iommu.ts";
import { tiny32, tiny64, tinyMarked } from "./made-up-formats.ts";
import { NaivePageTable } from "./naive-page-table.ts";
import { RecordedTableMemory } from "./recorded-table-memory.ts";

const PAGE = 4096;
const PAGES = 64;

const run = { size: fc.nat(2), at: fc.nat(PAGES - 1), count: fc.integer({ min: 1, max: 9 }) };
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant("map" as const), ...run, phys: fc.nat(99), prot: fc.nat(63) }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("unmap" as const), ...run }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("collect" as const), ...run }) },
);

/** The descriptors that can be got at, by where they lie. */
function descriptors(table: PageTable): Map<number, string> {
  const found = new Map<number, string>();
  for (let page = 0; page < PAGES; page++) {
    let depth = 0;
    table.fetch(page * PAGE, 0, 0, (address) => {
      const level = table.format.levels[depth++]?.level as number;
      found.set(address, String(table.descriptor(page * PAGE, level)));
    });
  }
  return found;
}

/** Both sides after the same steps, compared as a walker sees them. */
function compare(table: PageTable, naive: NaivePageTable): void {
  for (let page = 0; page < PAGES; page++) {
    const address = page * PAGE + 0x123;
    const leaf = naive.at(address);
    const wanted = leaf === null ? null : [leaf.phys + address - leaf.start, leaf.prot];
    const kind = table.walk(address);
    const { low, high, level, size } = table;
    const got =
      kind === Descriptor.LEAF ? [table.output(address), table.format.protOf(low, high, level)] : null;
    if (String(got) !== String(wanted)) expect.fail(`page ${page}: ${got}, not ${wanted}`);
    if (size !== naive.sizeAt(address)) expect.fail(`page ${page}: ends at a level of ${size} bytes`);
    if (table.lookup(address) !== (wanted === null ? null : wanted[0])) expect.fail(`lookup of ${page}`);
  }
}

/** What is read by a walker that knows nothing but the root and the format. */
function walksByAddress(table: PageTable, format: TableFormat): void {
  for (let page = 0; page < PAGES; page++) {
    const address = page * PAGE;
    let next: number = table.rootAddress;
    let depth = 0;
    table.fetch(address, 0, 0, (at, bytes) => {
      const { level, shift, bits } = format.levels[depth++] as TableFormat["levels"][number];
      const index = Math.floor(address / 2 ** shift) % 2 ** bits;
      if (at !== next + index * format.descriptorBytes) expect.fail(`page ${page}, level ${level}: ${at}`);
      expect(bytes).toBe(format.descriptorBytes);
      const [low, high] = table.descriptor(address, level) as readonly [number, number];
      next = format.addressOf(low, high, level);
    });
  }
}

const ways = [
  ...[tiny64, tiny32].flatMap((format) =>
    [true, false].flatMap((splits) => [true, false].map((overwrites) => ({ format, splits, overwrites }))),
  ),
  { format: tinyMarked, splits: true, overwrites: true },
];

/** Where each page goes, or null. */
const lookups = (table: PageTable): (number | null)[] =>
  Array.from({ length: PAGES }, (_, page) => table.lookup(page * PAGE));

describe.each(ways)("$format.name, splits $splits, overwrites $overwrites", (way) => {
  const { format, splits, overwrites } = way;
  const end = 2 ** ((format.levels[0]?.shift ?? 0) + (format.levels[0]?.bits ?? 0));

  test("agrees with a list of pages and blocks, in what it maps, refuses, keeps and gives back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), fc.boolean(), (steps, coherentWalk) => {
        const memory = new RecordedTableMemory();
        const overwritten: number[] = [];
        const told: (readonly [start: number, end: number])[] = [];
        const table = new PageTable(format, {
          memory,
          coherentWalk,
          cleared: ({ iova, pageSize, count }) => told.push([iova, iova + pageSize * count]),
          partialBlocks: splits ? "split" : "refuse",
          ...(overwrites ? { overwritten: (iova: number) => overwritten.push(iova) } : {}),
        });
        const naive = new NaivePageTable(format, { splits, overwrites });
        let before = descriptors(table);
        let went = lookups(table);
        for (const each of steps) {
          const inUse = new Set(memory.inUse.keys());
          memory.clear();
          const replaced = overwritten.length;
          told.length = 0;
          const size = table.pageSizes[Math.min(each.size, table.pageSizes.length - 1)] as number;
          const iova = (Math.floor((each.at * PAGE) / size) * size) % end;
          if (each.op === "collect") table.collect();
          else if (each.op === "map") {
            const count = Math.min(each.count, (end - iova) / size);
            const wanted = naive.map(iova, each.phys * size, size, count, each.prot);
            expect(table.mapPages(iova, each.phys * size, size, count, each.prot)).toBe(wanted);
          } else {
            const wanted = naive.unmap(iova, size, each.count);
            expect(table.unmapPages(iova, size, each.count)).toBe(wanted);
          }
          compare(table, naive);
          expect(overwritten).toEqual(naive.overwritten);
          // Nothing is given back before somebody says that it is forgotten, and then all of it.
          if (each.op === "collect")
            expect([memory.inUse.size, table.tables]).toEqual(Array(2).fill(naive.tables.size + 1));
          else for (const address of inUse) expect(memory.inUse.has(address)).toBe(true);
          // The CPU says of all that it changed that it did, and cleans it where the walker does not snoop.
          const after = descriptors(table);
          for (const [address, words] of after) {
            if (before.get(address) === words) continue;
            const noted = memory.writes.some(
              (each) => address >= each.address && address < each.address + each.bytes,
            );
            if (!noted) expect.fail(`the descriptor at ${address} was changed, and nobody was told`);
          }
          before = after;
          // Whoever invalidates by what was cleared or overwritten hears of all that goes somewhere else now.
          const goes = lookups(table);
          for (let page = 0; page < PAGES; page++) {
            if (went[page] === null || went[page] === goes[page]) continue;
            const at = page * PAGE;
            const heard = told.some(([start, end]) => at >= start && at < end);
            const isReplaced = overwritten.slice(replaced).some((iova) => at >= iova && at < iova + size);
            if (!heard && !isReplaced) expect.fail(`page ${page} changed, and nobody was told`);
          }
          went = goes;
          expect(memory.syncs).toEqual(coherentWalk ? [] : memory.writes);
        }
        walksByAddress(table, format);
      }),
      { seed: 20261120, numRuns: 40 },
    );
  });
});
