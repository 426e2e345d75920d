// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import {
  appendLines,
  type LineNest,
  lineNest,
  type Piece,
  widestLine,
} from "../../src/coherency/line-nest.ts";
import { LineSplitter } from "../../src/coherency/line-splitter.ts";
import { Topology } from "../../src/coherency.ts";

const domainsOf = (...lines: number[]) =>
  new Topology({ domains: Object.fromEntries(lines.map((line, i) => [`d${i}`, { line }])) }).domains;
const byOffset = (a: LineNest, b: LineNest): number => (a.offsets[0] ?? 0) - (b.offsets[0] ?? 0);
const short = ({ domains, offsets, count, inner, kinds }: LineNest): unknown => ({
  domains: domains.map(({ name }) => name).join(),
  offsets,
  count,
  ...(inner.length > 0 ? { inner: [...inner].sort(byOffset).map(short) } : { kinds }),
});

it("is one line where all domains have lines of one width", () => {
  const pieces: Piece[] = [
    { start: 0, end: 10, kind: 7 },
    { start: 10, end: 20, kind: 3 },
    { start: 60, end: 64, kind: 7 },
  ];
  expect(short(lineNest(domainsOf(64, 64), pieces))).toEqual({
    domains: "d0,d1",
    offsets: [0],
    count: 1,
    kinds: [3, 7],
  });
});

it("puts narrower lines together that hold the same, and leaves out those that hold nothing", () => {
  const pieces: Piece[] = [
    { start: 0, end: 8, kind: 1 },
    { start: 16, end: 20, kind: 1 },
    { start: 20, end: 21, kind: 2 },
    { start: 28, end: 36, kind: 1 },
  ];
  // In lines of 4: 1, 1, -, -, 1, 2, -, 1, 1, -, ...
  expect(short(lineNest(domainsOf(4, 64, 16), pieces))).toEqual({
    domains: "d1",
    offsets: [0],
    count: 1,
    inner: [
      {
        domains: "d2",
        offsets: [0],
        count: 1,
        inner: [{ domains: "d0", offsets: [0, 4], count: 2, kinds: [1] }],
      },
      {
        domains: "d2",
        offsets: [16],
        count: 1,
        inner: [
          { domains: "d0", offsets: [16, 28], count: 2, kinds: [1] },
          { domains: "d0", offsets: [20], count: 1, kinds: [2] },
        ],
      },
      {
        domains: "d2",
        offsets: [32],
        count: 1,
        inner: [{ domains: "d0", offsets: [32], count: 1, kinds: [1] }],
      },
    ],
  });
});

it("is as small for a whole page as for a line", () => {
  expect(short(lineNest(domainsOf(64, 4096), [{ start: 0, end: 4096, kind: 5 }]))).toEqual({
    domains: "d1",
    offsets: [0],
    count: 1,
    inner: [{ domains: "d0", offsets: Array.from({ length: 64 }, (_, i) => i * 64), count: 64, kinds: [5] }],
  });
});

it("is a byte without domains", () => {
  expect(widestLine([])).toBe(1);
  expect(short(lineNest([], [{ start: 0, end: 1, kind: 4 }]))).toEqual({
    domains: "",
    offsets: [0],
    count: 1,
    kinds: [4],
  });
});

it("says where its lines are", () => {
  const nest = lineNest(domainsOf(4, 16), [
    { start: 0, end: 6, kind: 1 },
    { start: 12, end: 16, kind: 1 },
  ]);
  const pairs: number[] = [];
  appendLines(pairs, nest, 64, 96, 16);
  expect(pairs).toEqual([64, 96]);
  pairs.length = 0;
  appendLines(pairs, nest.inner[0] as LineNest, 64, 96, 16);
  expect(pairs).toEqual([64, 72, 76, 88, 92, 96]);
});

it("ranges of bytes are split into runs of equal lines and lines of several pieces", () => {
  const seen: unknown[] = [];
  const base = 2 ** 40;
  const splitter = new LineSplitter(8, (pieces, start, end) => {
    seen.push([start - base, end - base, pieces.map((piece) => [piece.start, piece.end, piece.kind])]);
  });
  splitter.add(base + 3, base + 29, 1);
  splitter.add(base + 29, base + 30, 2);
  splitter.add(base + 48, base + 56, 3);
  splitter.add(base + 63, base + 64, 1);
  splitter.finish();
  expect(seen).toEqual([
    [0, 8, [[3, 8, 1]]],
    [8, 24, [[0, 8, 1]]],
    [
      24,
      32,
      [
        [0, 5, 1],
        [5, 6, 2],
      ],
    ],
    [48, 56, [[0, 8, 3]]],
    [56, 64, [[7, 8, 1]]],
  ]);
});
