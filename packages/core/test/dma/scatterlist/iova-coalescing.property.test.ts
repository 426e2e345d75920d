// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { finaliseSg } from "../../../src/dma/scatterlist/finalise-sg.ts";
import { iovaLayout, iovaPieces } from "../../../src/dma/scatterlist/iova-layout.ts";
import { SgTable } from "../../../src/dma/scatterlist/sg-table.ts";

const UNIT = 0x200;

/** Lists whose offsets and lengths are multiples of an eighth of a page, so that edges meet often. */
const lists = fc
  .array(
    fc.record({
      page: fc.nat(40),
      offset: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.nat(7)),
      length: fc.oneof(fc.constantFrom(8, 16, 24, 64), fc.integer({ min: 1, max: 80 })),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map(
    (entries) =>
      new SgTable(
        Float64Array.from(entries, ({ page, offset }) => page * 0x1000 + offset * UNIT),
        Uint32Array.from(entries, ({ length }) => length * UNIT),
      ),
  );

const limits = fc.record({
  maxSegmentSize: fc.constantFrom(0x1000, 0x3000, 0x4000, 0x10000, 0xffff_ffff),
  segmentBoundaryMask: fc.constantFrom(0xfff, 0x1fff, 0x3fff, 0xffff, 0xffff_ffff),
});

/** Ranges that touch in both spaces made one. */
function joined(ranges: readonly (readonly [address: number, length: number])[]): number[][] {
  const out: number[][] = [];
  for (const [address, length] of ranges) {
    const last = out.at(-1);
    if (last !== undefined && (last[0] as number) + (last[1] as number) === address) {
      last[1] = (last[1] as number) + length;
    } else out.push([address, length]);
  }
  return out;
}

test("the device reaches the bytes of the entries, in order, within its limits, and no two segments could be one", () => {
  fc.assert(
    fc.property(lists, limits, fc.nat(5), (sg, limit, slot) => {
      const { maxSegmentSize: max, segmentBoundaryMask: mask } = limit;
      const before = [[...sg.addresses], [...sg.lengths]];
      const layout = iovaLayout(sg, { granule: 0x1000, segmentBoundaryMask: mask });
      // As the kernel aligns it.
      const iova = (slot + 1) * 2 ** Math.ceil(Math.log2(layout.bytes));
      const segments = finaliseSg(sg, layout, iova, limit);

      const pieces = [...iovaPieces(sg, layout)];
      const reached: [number, number][] = [];
      const owners: number[][] = [];
      for (let i = 0; i < segments.count; i++) {
        let at = (segments.addresses[i] as number) - iova;
        const end = at + (segments.lengths[i] as number);
        const own: number[] = [];
        while (at < end) {
          const index = pieces.findIndex((piece) => at >= piece.offset && at < piece.offset + piece.length);
          const piece = pieces[index];
          if (piece === undefined) throw new Error(`nothing is mapped at ${at}`);
          const stop = Math.min(end, piece.offset + piece.length);
          reached.push([piece.address + at - piece.offset, stop - at]);
          own.push(index);
          at = stop;
        }
        owners.push(own);
      }
      const entries = [...sg.entries()].map(({ address, length }): [number, number] => [address, length]);
      expect(joined(reached)).toEqual(joined(entries));
      expect(owners.flat(), "each entry is in one segment").toEqual(entries.map((_, i) => i));

      for (let i = 0; i < segments.count; i++) {
        const own = owners[i] as number[];
        const start = segments.addresses[i] as number;
        const length = segments.lengths[i] as number;
        const longest = Math.max(...own.map((entry) => sg.lengths[entry] as number));
        const padded = Math.max(...own.map((entry) => (pieces[entry] as { length: number }).length));
        if (longest <= max) expect(length).toBeLessThanOrEqual(max);
        if (padded <= mask + 1) {
          expect(Math.floor(start / (mask + 1))).toBe(Math.floor((start + length - 1) / (mask + 1)));
        }
        const next = segments.addresses[i + 1];
        if (next === undefined) continue;
        const couldJoin =
          next === start + length &&
          next % 0x1000 === 0 &&
          next % (mask + 1) !== 0 &&
          length <= max &&
          length + (sg.lengths[own.length === 0 ? 0 : (own.at(-1) as number) + 1] as number) <= max;
        expect(couldJoin, `segments ${i} and ${i + 1} are one`).toBe(false);
      }

      sg.map(segments);
      sg.unmap();
      expect([[...sg.addresses], [...sg.lengths]], "nothing changed").toEqual(before);
      expect(finaliseSg(sg, layout, iova, limit)).toEqual(segments);
    }),
    { seed: 8, numRuns: 1000 },
  );
});
