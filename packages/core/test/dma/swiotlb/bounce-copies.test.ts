// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { type BounceEvent, copiesFor } from "../../../src/dma/swiotlb/bounce-copies.ts";

/** Typed from the rules: direction, then what mapping, both syncs, unmapping and unmapping without a sync copy. */
const matrix = `
  to-device      in  in  -    -    -
  from-device    in  -   out  out  -
  bidirectional  in  in  out  out  -
`;

const events: readonly (readonly [BounceEvent, boolean])[] = [
  ["map", false],
  ["sync-for-device", false],
  ["sync-for-cpu", false],
  ["unmap", false],
  ["unmap", true],
];

it("copies as the matrix says", () => {
  for (const row of matrix.trim().split("\n")) {
    const [direction, ...copies] = row.trim().split(/ +/) as [Parameters<typeof copiesFor>[1], ...string[]];
    const found = events.map(([event, skip]) => copiesFor(event, direction, skip) ?? "-");
    expect([direction, ...found]).toEqual([direction, ...copies]);
  }
});

it("copies in when mapping even where no sync is wanted", () => {
  expect(copiesFor("map", "from-device", true)).toBe("in");
});
