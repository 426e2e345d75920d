// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { directSegments } from "../../../src/dma/scatterlist/direct-segments.ts";
import { DmaSegments } from "../../../src/dma/scatterlist/dma-segments.ts";
import { sgFromExtents } from "../../../src/dma/scatterlist/from-extents.ts";
import { missedPage } from "../../../src/dma/scatterlist/page-walk.ts";
import { SgTable } from "../../../src/dma/scatterlist/sg-table.ts";
import { Extents } from "../../../src/index.ts";

const extents = Extents.each([0x10_0200, 0x20_0000, 0x1f_f000], [0x10_3000, 0x20_1000, 0x20_0000]);

describe("two views", () => {
  test("the CPU's: one entry a range, in buffer order, touching or not", () => {
    const sg = sgFromExtents(extents);
    expect([...sg.entries()]).toEqual([
      { address: 0x10_0200, length: 0x2e00 },
      { address: 0x20_0000, length: 0x1000 },
      { address: 0x1f_f000, length: 0x1000 },
    ]);
    expect([sg.origNents, sg.nents, sg.bytes]).toEqual([3, 0, 0x4e00]);
    expect([...sg.toExtents().pairs]).toEqual([...extents.pairs]);
  });

  test("the device's: nothing before it is mapped, nothing after it is unmapped", () => {
    const sg = sgFromExtents(extents);
    const nothing = [[...sg.segments()], sg.dmaAddress(0), sg.dmaLength(0), sg.device];
    expect(nothing).toEqual([[], null, 0, null]);
    sg.map(directSegments(sg, 0x10_0000));
    expect([sg.nents, sg.dmaAddress(0), sg.dmaLength(0)]).toEqual([3, 0x200, 0x2e00]);
    sg.unmap();
    expect([[...sg.segments()], sg.dmaAddress(0), sg.dmaLength(0), sg.device]).toEqual(nothing);
  });

  test("entries past nents have no DMA address and a DMA length of 0, and are entries all the same (D-7)", () => {
    const sg = sgFromExtents(extents);
    sg.map(new DmaSegments(Float64Array.of(0xffe0_0200, 0xffe0_3000), Uint32Array.of(0x3e00, 0x1000)));
    expect([sg.nents, sg.origNents]).toEqual([2, 3]);
    expect([...sg.segments()]).toEqual([
      { address: 0xffe0_0200, length: 0x3e00, bus: false },
      { address: 0xffe0_3000, length: 0x1000, bus: false },
    ]);
    expect([sg.dmaAddress(2), sg.dmaLength(2)]).toEqual([null, 0]);
    expect([...sg.entries()].length).toBe(3);
  });

  test("direct mapping takes 20 bytes an entry", () => {
    const sg = sgFromExtents(extents);
    sg.map(directSegments(sg));
    const arrays = [sg.addresses, sg.lengths, sg.device?.addresses, sg.device?.lengths];
    const buffers = new Set(arrays.map((array) => array?.buffer as ArrayBuffer));
    expect([...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(20 * 3);
  });

  test("ranges beyond what an entry can express become several", () => {
    const sg = sgFromExtents(Extents.of([0, 2 ** 33]));
    expect([...sg.lengths]).toEqual([0xffff_f000, 0xffff_f000, 0x2000]);
    expect([...sg.addresses]).toEqual([0, 0xffff_f000, 0x1_ffff_e000]);
  });
});

test("what cannot be a scatterlist is none", () => {
  const one = new SgTable(Float64Array.of(0x1000), Uint32Array.of(0x1000));
  expect(() => new SgTable(new Float64Array(0), new Uint32Array(0))).toThrow(TypeError);
  expect(() => new SgTable(new Float64Array(2), new Uint32Array(1))).toThrow(TypeError);
  expect(() => new DmaSegments(new Float64Array(2), new Uint32Array(1))).toThrow(TypeError);
  expect(() => one.map(new DmaSegments(new Float64Array(2), new Uint32Array(2)))).toThrow(
    "2 segments for 1 entries",
  );
  expect(() => one.map(new DmaSegments(new Float64Array(0), new Uint32Array(0)))).toThrow(TypeError);
  expect(() => directSegments(one, 0x2000)).toThrow("entry 0 is below the device's window");
});

describe("walking pages", () => {
  const sg = sgFromExtents(extents);

  test("an entry is as many pages as it touches (D25)", () => {
    expect([...sg.pages()].map(({ page, entry }) => [page, entry])).toEqual([
      [0x10_0000, 0],
      [0x10_1000, 0],
      [0x10_2000, 0],
      [0x20_0000, 1],
      [0x1f_f000, 2],
    ]);
    expect(missedPage(sg, [...sg.pages()].map(({ page }) => page).reverse())).toBeNull();
  });

  test("an importer that takes an entry for a page is found (D25)", () => {
    const taken = [...sg.entries()].map(({ address }) => address);
    expect(missedPage(sg, taken)).toEqual({
      entry: 0,
      page: 0x10_1000,
      reason: "entry 0 is of 3 pages: an entry is not a page",
    });
  });

  test("so is one that walks the CPU's entries by the device's number (D18)", () => {
    const mapped = sgFromExtents(extents);
    mapped.map(new DmaSegments(Float64Array.of(0, 0x8000), Uint32Array.of(0x3e00, 0x1000)));
    const walked = [...mapped.pages()].filter(({ entry }) => entry < mapped.nents).map(({ page }) => page);
    expect(missedPage(mapped, walked)?.reason).toBe(
      "entry 2 is the first past nents: the CPU's walk goes to orig_nents, 3",
    );
    expect(missedPage(mapped, walked.slice(3))?.reason).toBe("entry 0 was left out");
  });
});
