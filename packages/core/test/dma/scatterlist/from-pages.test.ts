// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FromPagesOptions, sgFromPages } from "../../../src/dma/scatterlist/from-pages.ts";
import { KernelError } from "../../../src/index.ts";

const listed = (frames: number[], options?: FromPagesOptions): [number, number][] =>
  [...sgFromPages(Uint32Array.from(frames), options).entries()].map(({ address, length }) => [
    address,
    length,
  ]);

describe("runs of pages", () => {
  test("pages that follow each other are one entry, others are not", () => {
    expect(listed([5, 6, 7, 9, 8, 9, 10, 3])).toEqual([
      [0x5000, 0x3000],
      [0x9000, 0x1000],
      [0x8000, 0x3000],
      [0x3000, 0x1000],
    ]);
  });

  test("offset and size are taken off the ends", () => {
    expect(listed([5, 6, 9], { offset: 0x200, size: 0x2000 })).toEqual([
      [0x5200, 0x1e00],
      [0x9000, 0x200],
    ]);
    expect(listed([5], { offset: 0xfff, size: 1 })).toEqual([[0x5fff, 1]]);
  });

  test("the maximum is rounded down to pages, and counts the offset's bytes too", () => {
    expect(listed([5, 6, 7], { maxSegmentSize: 0x2fff, offset: 0x200 })).toEqual([
      [0x5200, 0x1e00],
      [0x7000, 0x1000],
    ]);
  });

  test("less than a page is no maximum", () => {
    expect(() => listed([5], { maxSegmentSize: 4095 })).toThrow(KernelError);
    expect(() => listed([5], { maxSegmentSize: 4095 })).toThrow(
      "sg_alloc_table_from_pages_segment: -EINVAL: entries of at most 4095 bytes are less than a page",
    );
  });

  test.each<[number[], FromPagesOptions]>([
    [[], {}],
    [[5], { offset: 4096 }],
    [[5], { offset: -1 }],
    [[5], { size: 4097 }],
    [[5], { offset: 1, size: 4096 }],
    [[5, 6], { size: 4096 }],
    [[5], { size: 0 }],
  ])("what the pages do not have is refused: %j %j", (frames, options) => {
    expect(() => listed(frames, options)).toThrow(TypeError);
  });

  test("frame numbers go to 2^32 - 1, and 0 does not follow it", () => {
    expect(listed([0xffff_fffe, 0xffff_ffff, 0, 1])).toEqual([
      [0xfff_ffff_e000, 0x2000],
      [0, 0x2000],
    ]);
    expect(listed([0x7fff_fffe, 0x7fff_ffff, 0x8000_0000])).toEqual([[0x7ff_ffff_e000, 0x3000]]);
  });

  test("any pages: entries are whole runs, cut at the maximum and nowhere else", () => {
    const runs = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 30 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 24 }), (list, most) => {
        const frames = list.flatMap(([start, count]) => Array.from({ length: count }, (_, i) => start + i));
        const expected: number[][] = [];
        frames.forEach((frame, i) => {
          const last = expected.at(-1);
          if (last === undefined || frame !== (frames[i - 1] as number) + 1 || last.length === most) {
            expected.push([frame]);
          } else last.push(frame);
        });
        expect(listed(frames, { maxSegmentSize: most * 4096 })).toEqual(
          expected.map((run) => [(run[0] as number) * 4096, run.length * 4096]),
        );
      }),
      { seed: 51, numRuns: 500 },
    );
  });
});
