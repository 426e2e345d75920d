// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { tlbCommands } from "../../src/v3/arm-smmu-invalidation.ts";
import { atcRange, atcSpan } from "../../src/v3/ats.ts";
import { scopeOf } from "../../src/v3/invalidation-scope.ts";

const options = { seed: 20261120, numRuns: 300 };
const owner = { ASID: 1 };

test("one command for each page drops exactly the range", () => {
  const commands = [
    ...tlbCommands({
      op: "CMD_TLBI_NH_VA",
      owner,
      iova: 0x4000,
      size: 0x3000,
      granuleShift: 12,
      pageSize: 4096,
      leaf: true,
      ranges: false,
    }),
  ];
  expect(commands).toEqual(
    [0x4000, 0x5000, 0x6000].map((Address) => ({ op: "CMD_TLBI_NH_VA", ASID: 1, Leaf: 1, Address })),
  );
});

test.each([
  // A row a range: pages, then the commands as [SCALE, NUM].
  [1, [[0, 0]]],
  [31, [[0, 30]]],
  [32, [[5, 0]]],
  [
    33,
    [
      [0, 0],
      [5, 0],
    ],
  ],
  [512, [[9, 0]]],
  [
    1000,
    [
      [3, 28],
      [8, 2],
    ],
  ],
  [2 ** 18, [[18, 0]]],
] as const)("a range of %d pages is %o", (pages, expected) => {
  const commands = [
    ...tlbCommands({
      op: "CMD_TLBI_NH_VA",
      owner,
      iova: 0,
      size: pages * 4096,
      granuleShift: 12,
      pageSize: 4096,
      leaf: true,
      ranges: true,
    }),
  ];
  expect(commands.map(({ SCALE, NUM }) => [SCALE, NUM])).toEqual(expected);
});

test("with a table that goes no level is said, and a single granule becomes two: the other is reserved", () => {
  const range = { iova: 0, granuleShift: 12, pageSize: 4096, leaf: false, ranges: true };
  const encode = (pages: number) =>
    [...tlbCommands({ op: "CMD_TLBI_NH_VA", owner, size: pages * 4096, ...range })].map(
      ({ Leaf, TTL, SCALE, NUM }) => [Leaf, TTL, SCALE, NUM],
    );
  expect(encode(512)).toEqual([[0, 0, 9, 0]]);
  expect(encode(1)).toEqual([[0, 0, 1, 0]]);
  expect(encode(33)).toEqual([[0, 0, 1, 16]]);
});

test.each([
  ["4 KiB pages", 12, 12, 3],
  ["2 MiB blocks", 12, 21, 2],
  ["1 GiB blocks", 12, 30, 1],
  ["32 MiB blocks", 14, 25, 2],
  ["64 KiB pages", 16, 16, 3],
  ["512 MiB blocks", 16, 29, 2],
] as const)("%s are named by their level", (_what, granuleShift, pageShift, TTL) => {
  const pageSize = 2 ** pageShift;
  const range = { iova: 0, size: pageSize, pageSize, granuleShift, leaf: true };
  const [command] = tlbCommands({ op: "CMD_TLBI_NH_VA", owner, ranges: true, ...range });
  expect(command?.TTL).toBe(TTL);
  expect([...tlbCommands({ op: "CMD_TLBI_NH_VA", owner, ranges: false, ...range })]).toHaveLength(1);
});

test("ranges cover what they should, one behind the other, with few commands, for every granule", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(12, 14, 16),
      fc.integer({ min: 0, max: 2 ** 20 }),
      fc.integer({ min: 1, max: 2 ** 20 }),
      (granuleShift, first, pages) => {
        const granule = 2 ** granuleShift;
        let at = first * granule;
        let count = 0;
        const range = {
          iova: at,
          size: pages * granule,
          granuleShift,
          pageSize: granule,
          leaf: true,
          ranges: true,
        };
        for (const command of tlbCommands({ op: "CMD_TLBI_NH_VA", owner, ...range })) {
          const scope = scopeOf(command);
          expect([scope?.start, command.NUM ?? 0]).toEqual([
            at,
            expect.toSatisfy((num) => num >= 0 && num < 32),
          ]);
          at = scope?.end ?? 0;
          count++;
        }
        expect(at).toBe((first + pages) * granule);
        expect(count).toBeLessThanOrEqual(5);
      },
    ),
    options,
  );
});

test("the span of a CMD_ATC_INV is the smallest power of two, aligned, that holds the range (M-49)", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 30 }),
      fc.integer({ min: 1, max: 2 ** 16 }),
      (first, pages) => {
        const [start, size] = [first * 4096, pages * 4096];
        const { Address, Size } = atcSpan(start, size);
        const [from, to] = atcRange({ op: "CMD_ATC_INV", Address, Size });
        expect([from, to - from]).toEqual([Address, 4096 * 2 ** Size]);
        expect(Address % (4096 * 2 ** Size)).toBe(0);
        expect(from <= start && to >= start + size).toBe(true);
        const half = (to - from) / 2;
        expect(Size === 0 || (start < from + half && start + size > from + half)).toBe(true);
      },
    ),
    options,
  );
});
