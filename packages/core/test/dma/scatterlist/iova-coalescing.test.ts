// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { finaliseSg } from "../../../src/dma/scatterlist/finalise-sg.ts";
import { iovaLayout, iovaPieces } from "../../../src/dma/scatterlist/iova-layout.ts";
import { SgTable } from "../../../src/dma/scatterlist/sg-table.ts";

const K = 1024;
const IOVA = 0xffe0_0000;

/** A list of (offset in its page, length), each on a page of its own far from the others. */
function list(...entries: [offset: number, length: number][]): SgTable {
  return new SgTable(
    Float64Array.from(entries, ([offset], i) => 0x10_0000 * (i + 1) + offset),
    Uint32Array.from(entries, ([, length]) => length),
  );
}

function mapped(sg: SgTable, { max = 64 * K, mask = 0xffff_ffff, granule = 4 * K, bus = new Map() } = {}) {
  const limits = { maxSegmentSize: max, segmentBoundaryMask: mask };
  const layout = iovaLayout(sg, { granule, segmentBoundaryMask: mask, bus });
  sg.map(finaliseSg(sg, layout, IOVA, limits));
  return {
    bytes: layout.bytes,
    segments: [...sg.segments()].map(({ address, length }) => [address, length]),
  };
}

describe("the numbers of the oracle, granule 4 KiB", () => {
  test.each<{
    oracle: string;
    sg: SgTable;
    max?: number;
    mask?: number;
    segments: number[][];
    bytes: number;
  }>([
    {
      oracle: "OA-10: three pages are one segment",
      sg: list([0, 4096], [0, 4096], [0, 4096]),
      segments: [[0xffe00000, 0x3000]],
      bytes: 0x3000,
    },
    {
      oracle: "OA-11: a short piece leaves a hole",
      sg: list([0x200, 0xe00], [0, 0x1000], [0, 0x800], [0, 0x1000]),
      segments: [
        [0xffe00200, 0x2600],
        [0xffe03000, 0x1000],
      ],
      bytes: 0x4000,
    },
    {
      oracle: "OA-12: no longer than 64 KiB",
      sg: list([0, 32768], [0, 32768], [0, 32768], [0, 32768]),
      segments: [
        [0xffe00000, 0x10000],
        [0xffe10000, 0x10000],
      ],
      bytes: 0x20000,
    },
    {
      oracle: "OA-13: no longer than 128 KiB",
      sg: list([0, 32768], [0, 32768], [0, 32768]),
      max: 131072,
      segments: [[0xffe00000, 0x18000]],
      bytes: 0x18000,
    },
    {
      oracle: "OA-14: padded so that no boundary is crossed",
      sg: list([0, 12288], [0, 12288], [0, 12288]),
      max: 16384,
      mask: 0x3fff,
      segments: [
        [0xffe00000, 0x3000],
        [0xffe04000, 0x3000],
        [0xffe08000, 0x3000],
      ],
      bytes: 0xb000,
    },
    {
      oracle: "OA-15: each piece has a granule of its own",
      sg: list([0x100, 0x100], [0x300, 0x100]),
      segments: [
        [0xffe00100, 0x100],
        [0xffe01300, 0x100],
      ],
      bytes: 0x2000,
    },
  ])("$oracle", ({ sg, max = 65536, mask = 0xffffffff, segments, bytes }) => {
    const before = [...sg.entries()];
    expect(mapped(sg, { max, mask })).toEqual({ segments, bytes });
    expect(sg.nents).toBe(segments.length);
    expect([...sg.entries()], "the CPU's view stays").toEqual(before);
    for (let i = sg.nents; i < sg.origNents; i++) {
      expect([sg.dmaAddress(i), sg.dmaLength(i)]).toEqual([null, 0]);
    }
  });
});

describe("beyond the oracle", () => {
  test("an entry that is too long by itself stays, and the next one is joined to it as in the kernel", () => {
    expect(mapped(list([0, 128 * K], [0, 4 * K])).segments).toEqual([[IOVA, 132 * K]]);
    expect(mapped(list([0, 60 * K], [0, 128 * K])).segments).toEqual([
      [IOVA, 60 * K],
      [IOVA + 60 * K, 128 * K],
    ]);
  });

  test("no limit at all", () => {
    const max = Number.POSITIVE_INFINITY;
    expect(mapped(list([0, 128 * K], [0, 4 * K], [0, 4 * K]), { max }).segments).toEqual([[IOVA, 136 * K]]);
  });

  test("an entry that ends on a boundary is followed by another segment", () => {
    expect(mapped(list([0, 16 * K], [0, 4 * K]), { mask: 0x3fff })).toEqual({
      segments: [
        [IOVA, 16 * K],
        [IOVA + 16 * K, 4 * K],
      ],
      bytes: 20 * K,
    });
  });

  test("an entry longer than the boundaries' distance begins on one", () => {
    expect(mapped(list([0, 4 * K], [0, 40 * K], [0, 4 * K]), { mask: 0x3fff })).toEqual({
      segments: [
        [IOVA, 4 * K],
        [IOVA + 16 * K, 44 * K],
      ],
      bytes: 60 * K,
    });
  });

  test("boundaries beyond 32 bits, or none to speak of", () => {
    for (const mask of [2 ** 40 - 1, 2 ** 53 - 1]) {
      expect(mapped(list([0, 4 * K], [0, 4 * K]), { mask }).segments).toEqual([[IOVA, 8 * K]]);
    }
    const sg = list([0, 4 * K], [0, 4 * K]);
    const limits = { maxSegmentSize: 64 * K, segmentBoundaryMask: 2 ** 33 - 1 };
    const layout = iovaLayout(sg, { granule: 4 * K, ...limits });
    expect(finaliseSg(sg, layout, 2 ** 32 - 4 * K, limits).count, "4 GiB is no boundary").toBe(1);
    expect(finaliseSg(sg, layout, 2 ** 33 - 4 * K, limits).count, "8 GiB is").toBe(2);
  });

  test("entries over the bus take no room and are never joined (D-24)", () => {
    const sg = list([0, 4 * K], [0, 4 * K], [0, 4 * K], [0, 4 * K]);
    expect(mapped(sg, { bus: new Map([[1, 0x8000_0000]]) })).toEqual({
      segments: [
        [IOVA, 4 * K],
        [0x8000_0000, 4 * K],
        [IOVA + 4 * K, 8 * K],
      ],
      bytes: 12 * K,
    });
    expect([...sg.segments()].map(({ bus }) => bus)).toEqual([false, true, false]);
    const all = new Map([0, 1, 2, 3].map((i) => [i, 0x8000_0000 + i * 4 * K]));
    expect(mapped(sg, { bus: all }).bytes, "nothing to allocate").toBe(0);
    expect(sg.nents).toBe(4);
  });

  test("the IOMMU maps whole granules, padding with them", () => {
    const sg = list([0x200, 0x100], [0, 12 * K], [0, 12 * K]);
    const layout = iovaLayout(sg, { granule: 4 * K, segmentBoundaryMask: 0x3fff });
    expect([...iovaPieces(sg, layout)]).toEqual([
      { offset: 0, address: 0x10_0000, length: 4 * K },
      { offset: 4 * K, address: 0x20_0000, length: 12 * K },
      { offset: 16 * K, address: 0x30_0000, length: 12 * K },
    ]);
  });

  test.each([0, 1, 3000, 2 ** 31])("a granule of %d bytes is none", (granule) => {
    expect(() => iovaLayout(list([0, 1]), { granule, segmentBoundaryMask: 0xffff })).toThrow(TypeError);
  });
});
