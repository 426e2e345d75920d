// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DmaDevice, Extents, type SgMapping, segmentLimitsOf } from "../../src/index.ts";
import { reached } from "../iommu/reached.ts";
import { translatedPlatform } from "./translated.ts";

const PAGE = 4096;
const MS = 1_000_000;

/** A buffer as a user makes it: the first piece may begin, the last may end within a page. */
const buffers = fc
  .record({
    pieces: fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 12,
    }),
    head: fc.nat({ max: PAGE - 1 }),
    tail: fc.nat({ max: PAGE - 1 }),
    ragged: fc.boolean(),
  })
  .map(({ pieces, head, tail, ragged }) => {
    const starts = pieces.map(([page], i) => page * PAGE + (i === 0 || ragged ? head : 0));
    const ends = pieces.map(
      ([page, pages], i) => (page + pages) * PAGE - (i === pieces.length - 1 || ragged ? tail : 0),
    );
    const sane = starts.map((start, i) => Math.min(start, (ends[i] as number) - 1));
    return Extents.each(sane, ends);
  });

const boards = fc.record({
  iommu: fc.constantFrom("strict" as const, "lazy" as const),
  iovaPolicy: fc.constantFrom("linux" as const, "first-fit" as const),
  addressBits: fc.constantFrom(26, 30, 32, 40, 64),
  limit: fc.constantFrom("32MiB", "4GiB", "1TiB", undefined),
  offset: fc.constantFrom(0, 0x1000, 2 ** 40),
  maxSegmentSize: fc.constantFrom(0x4000, 0x5000, 0x1_0000, 0x10_0000),
  segmentBoundaryMask: fc.constantFrom(0x3fff, 0xffff, 0xf_ffff, 0xffff_ffff),
  coherent: fc.boolean(),
});

const pagesOf = (extents: Extents): number[] => {
  const bytes: number[] = [];
  for (let i = 0; i < extents.count; i++) {
    const [start, end] = [extents.starts[i] as number, extents.ends[i] as number];
    for (let at = start; at < end; at = Math.min(end, at - (at % PAGE) + PAGE)) bytes.push(at);
  }
  return bytes;
};

/** The physical address of each page that the device gets at, in the order of its segments. */
function translated({ translation }: DmaDevice, { dmaAddresses, dmaLengths }: SgMapping): (number | null)[] {
  const found: (number | null)[] = [];
  for (const [i, start] of dmaAddresses.entries()) {
    const end = start + (dmaLengths[i] as number);
    for (let at = start; at < end; at = Math.min(end, at - (at % PAGE) + PAGE))
      found.push(translation === undefined || translation === null ? null : reached(translation, at, 0));
  }
  return found;
}

const merged = (extents: Extents): number[] => {
  const ranges = [...extents.starts].map((start, i) => [start, extents.ends[i] as number] as const);
  return [...Extents.of(...ranges).pairs];
};

test("a transfer of any part of a mapping reaches exactly that part, in order", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const property = fc.property(boards, buffers, share, share, (given, list, from, to) => {
    const { iovaPolicy, limit, ...device } = given;
    const described = { ...device, ...(limit === undefined ? {} : { limit }) };
    const { dma, device: deviceOf } = translatedPlatform({ eth: described }, { iovaPolicy }).boot();
    const eth = deviceOf("eth");
    const { placement } = dma.mapSgtable(eth, list, "to-device");
    const offset = Math.floor(from * (list.bytes - 1));
    const part = list.slice(offset, 1 + Math.floor(to * (list.bytes - offset - 1)));
    const [reached, ...more] = placement.reached(part, eth.route, { kind: "read", offset, event: -1 });
    expect(more).toEqual([]);
    expect(reached?.route).toBe(eth.route);
    expect(reached === undefined ? [] : merged(reached.extents)).toEqual(merged(part));
    expect(placement.reached(part, eth.route, { kind: "write", offset, event: -1 })).toEqual([]);
  });
  fc.assert(property, { seed: 20261121, numRuns: 150 });
});

test("what a device is told leads to the buffer's pages in order, within every limit, and to nothing after the flush", () => {
  const property = fc.property(boards, fc.array(buffers, { minLength: 1, maxLength: 4 }), (given, lists) => {
    const { iovaPolicy, limit, ...device } = given;
    const described = { ...device, ...(limit === undefined ? {} : { limit }) };
    const system = translatedPlatform({ eth: described }, { iovaPolicy }).boot();
    const eth = system.device("eth");
    const { maxSegmentSize, segmentBoundaryMask } = segmentLimitsOf(eth);
    const { mask, busLimit = Number.POSITIVE_INFINITY } =
      eth.iommu?.limit(eth.masks.streaming) ?? expect.fail();
    const mappings = lists.map((extents) => system.dma.mapSgtable(eth, extents, "bidirectional"));
    for (const [n, mapping] of mappings.entries()) {
      const { dmaAddresses, dmaLengths, nents } = mapping;
      const list = lists[n] as Extents;
      expect(translated(eth, mapping)).toEqual(pagesOf(list));
      expect(nents).toBeLessThanOrEqual(list.count);
      const longest = Math.max(...list.starts.map((start, i) => (list.ends[i] as number) - start));
      for (let i = 0; i < nents; i++) {
        const [start, length] = [dmaAddresses[i] as number, dmaLengths[i] as number];
        expect(start).toBeGreaterThanOrEqual(PAGE);
        expect(start + length - 1).toBeLessThanOrEqual(Math.min(mask, busLimit));
        // An entry that is too long by itself is nobody's merging.
        if (longest > maxSegmentSize || longest + PAGE > segmentBoundaryMask) continue;
        expect(length).toBeLessThanOrEqual(maxSegmentSize);
        const window = (at: number): number => Math.floor(at / (segmentBoundaryMask + 1));
        expect(window(start + length - 1)).toBe(window(start));
      }
      expect(dmaLengths.reduce((sum, length) => sum + length, 0)).toBe(list.bytes);
    }
    for (const mapping of mappings) system.dma.unmapSgtable(mapping);
    const reached = mappings.flatMap((mapping) => translated(eth, mapping));
    const nothing = (pages: readonly (number | null)[]): boolean => pages.every((page) => page === null);
    expect(nothing(reached)).toBe(given.iommu === "strict");
    system.simulation.run({ until: 10 * MS });
    expect(nothing(mappings.flatMap((mapping) => translated(eth, mapping)))).toBe(true);
    expect(system.dma.live.size).toBe(0);
    expect(system.simulation.diagnostics.entries).toEqual([]);
  });
  fc.assert(property, { seed: 20261120, numRuns: 150 });
});
