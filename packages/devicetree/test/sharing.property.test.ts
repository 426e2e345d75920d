// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MemoryRange } from "../src/reserve-map.ts";
import { type Sharer, shareMatrix } from "../src/sharing.ts";

const SPACE = 12;

const range = fc
  .tuple(fc.nat(SPACE - 1), fc.integer({ min: 0, max: 6 }))
  .map(([base, size]): MemoryRange => ({ base, size: Math.min(size, SPACE - base) }));
const sharerOf = (path: string) =>
  fc.record({
    path: fc.constant(path),
    coherent: fc.boolean(),
    translated: fc.boolean(),
    windows: fc.option(
      fc.array(
        range.filter((one) => one.size > 0).map(({ base, size }) => ({ bus: 0, cpu: base, size })),
        { minLength: 1, maxLength: 3 },
      ),
    ),
    restrictedTo: fc.option(fc.constant("/pool"), { freq: 8 }),
  });

/** The rules again, over single addresses. */
function expected(from: Sharer, to: Sharer, ram: readonly MemoryRange[]): string {
  const addresses = Array.from({ length: SPACE }, (_, address) => address);
  const known = ram.some((one) => one.size > 0);
  const inRam = (address: number) => ram.some((one) => address >= one.base && address < one.base + one.size);
  const memory = known ? addresses.filter(inRam) : addresses;
  const limited = [from, to].filter((one) => !one.translated && one.windows !== null);
  const reaches = (one: Sharer, address: number) =>
    one.translated ||
    one.windows === null ||
    one.windows.some((w) => address >= w.cpu && address < w.cpu + w.size);
  if (!memory.some((address) => reaches(from, address) && reaches(to, address))) return "impossible";
  const bounces = known && memory.some((address) => !reaches(from, address) || !reaches(to, address));
  const restricted = [from, to].some((one) => one.restrictedTo !== null && !one.translated);
  if (bounces || restricted) return "bounce";
  if (from.coherent !== to.coherent) return "maintenance";
  return !known && limited.length > 0 ? "unknown" : "direct";
}

test("verdicts are those of the rules applied address by address", () => {
  fc.assert(
    fc.property(sharerOf("/a"), sharerOf("/b"), fc.array(range, { maxLength: 3 }), (from, to, ram) => {
      const matrix = shareMatrix([from, to], ram);
      expect(matrix.map((one) => one.verdict)).toEqual([expected(from, to, ram), expected(to, from, ram)]);
      for (const { why } of matrix) expect(why.length).toBeGreaterThan(0);
    }),
    { seed: 20261120, numRuns: 5000 },
  );
});

test("the order of RAM and of masters changes nothing but the order of the answers", () => {
  fc.assert(
    fc.property(sharerOf("/a"), sharerOf("/b"), fc.array(range, { maxLength: 3 }), (from, to, ram) => {
      const forward = shareMatrix([from, to], ram);
      const backward = shareMatrix([to, from], [...ram].reverse());
      expect(backward.map((one) => one.verdict)).toEqual(forward.map((one) => one.verdict).reverse());
    }),
    { seed: 20261120, numRuns: 500 },
  );
});
