// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../../src/buffer/constraint/scatterlist-for.ts";
import {
  checkMemory,
  conflictOf,
  constraintsOf,
  type DmaConstraints,
  type DmaDevice,
  defaultConstraints,
  describeConstraints,
  dmaConstraints,
  Extents,
  scatterlistFor,
  segmentLimitsOf,
  unconstrained,
  worstSegmentCount,
} from "../../../src/index.ts";

const MIB = 2 ** 20;

describe("what a device can take", () => {
  test("asks for nothing, and the DMA API goes by 64 KiB and 4 GiB (D-18)", () => {
    const device = (constraints?: DmaConstraints) => ({ ...(constraints && { constraints }) }) as DmaDevice;
    expect(dmaConstraints({})).toEqual(defaultConstraints);
    expect(constraintsOf(device())).toEqual({ ...unconstrained, trustIds: [] });
    const none = { maxSegmentSize: 65536, segmentBoundaryMask: 0xffffffff };
    expect(segmentLimitsOf(device())).toEqual(none);
    expect(segmentLimitsOf(device(dmaConstraints({ needsPages: true })))).toEqual(none);
    expect(segmentLimitsOf(device(dmaConstraints({ contiguous: true })))).toEqual({
      ...none,
      maxSegmentSize: 0xfffff000,
    });
    const own = { maxSegmentSize: MIB, segmentBoundaryMask: 0xffff };
    expect(segmentLimitsOf(device(dmaConstraints({ ...own, contiguous: true })))).toEqual(own);
    expect(dmaConstraints({ trustId: "tee" }).trustIds).toEqual(["tee"]);
  });

  test("in words", () => {
    expect(describeConstraints(unconstrained)).toBe("anything");
    expect(
      describeConstraints(dmaConstraints({ maxSegmentSize: 65536, segmentBoundaryMask: 0xffffffff })),
    ).toBe("segments of at most 65536 bytes, none across a multiple of 0x100000000, no private memory");
    const all = dmaConstraints({
      contiguous: true,
      needsPages: true,
      maxSegmentCount: 1,
      trustId: "tee",
      preferredSegmentSize: MIB,
    });
    expect(describeConstraints(all, ["contiguous", "needsPages", "maxSegmentCount"])).toBe(
      "contiguous memory, struct pages, at most 1 segment",
    );
    expect(describeConstraints(all, ["trustIds", "preferredSegmentSize"])).toBe(
      "private memory of tee only, better segments of 1048576 bytes and more",
    );
  });
});

describe("conflicts name who has them", () => {
  const few = { name: "few", constraints: dmaConstraints({ maxSegmentCount: 8, maxSegmentSize: MIB }) };
  const short = { name: "short", constraints: dmaConstraints({ maxSegmentSize: 4096 }) };
  const plain = { name: "plain", constraints: defaultConstraints };
  const whole = { name: "whole", constraints: dmaConstraints({ contiguous: true }) };

  test("each by itself can be satisfied, two together cannot (D12)", () => {
    expect(conflictOf([few], MIB)).toBeNull();
    expect(conflictOf([short, plain], MIB)).toBeNull();
    expect(conflictOf([plain, short, few], 8 * 4096)).toBeNull();
    const conflict = conflictOf([plain, short, few], 8 * 4096 + 1);
    expect(conflict?.parties).toEqual([few, short]);
    expect(conflict?.reason).toBe(
      "few takes 8 segments, short at most 4096 bytes in each: together 32768 bytes, and the buffer has 32769",
    );
  });

  test("contiguous is one segment, and a boundary is a limit of its size", () => {
    const narrow = { name: "narrow", constraints: dmaConstraints({ segmentBoundaryMask: 0x3fff }) };
    expect(conflictOf([whole, narrow], 0x4000)).toBeNull();
    expect(conflictOf([whole, narrow], 0x4001)?.reason).toBe(
      "whole takes 1 segment, narrow at most 16384 bytes in each: together 16384 bytes, and the buffer has 16385",
    );
  });

  test("one that conflicts with itself is named alone", () => {
    const own = { name: "own", constraints: dmaConstraints({ maxSegmentCount: 2, maxSegmentSize: 65536 }) };
    const conflict = conflictOf([whole, own, plain], MIB);
    expect(conflict?.parties).toEqual([own]);
    expect(conflict?.reason).toBe(
      "own takes at most 2 segments, segments of at most 65536 bytes: 131072 bytes, and the buffer has 1048576",
    );
  });
});

describe("memory as it lies", () => {
  const extents = Extents.of([0x1_f000, 0x2_1000], [0x8_0000, 0xa_0000], [0x5_0000, 0x5_1000]);

  test("which entry breaks which constraint", () => {
    const strict = dmaConstraints({ maxSegmentSize: 0x1_0000, segmentBoundaryMask: 0xffff });
    const two = { ...strict, maxSegmentCount: 2, needsPages: true };
    expect(checkMemory(two, { extents, structPages: false, trustId: "tee" })).toEqual([
      { constraint: "needsPages", entry: null, reason: "the memory has no struct pages" },
      { constraint: "trustIds", entry: null, reason: "the memory is private to tee" },
      { constraint: "maxSegmentCount", entry: 2, reason: "3 ranges, of at most 2" },
      {
        constraint: "segmentBoundaryMask",
        entry: 0,
        reason: "range 0 at 0x1f000 crosses a multiple of 0x10000",
      },
      { constraint: "maxSegmentSize", entry: 1, reason: "range 1 is of 131072 bytes, of at most 65536" },
      {
        constraint: "segmentBoundaryMask",
        entry: 1,
        reason: "range 1 at 0x80000 crosses a multiple of 0x10000",
      },
    ]);
    expect(checkMemory(dmaConstraints({ contiguous: true }), { extents })).toEqual([
      { constraint: "contiguous", entry: 1, reason: "3 ranges, of at most 1" },
    ]);
    expect(checkMemory(unconstrained, { extents, structPages: false, trustId: "tee" })).toEqual([]);
    expect(
      checkMemory(dmaConstraints({ trustId: "tee", maxSegmentSize: MIB }), { extents, trustId: "tee" }),
    ).toEqual([]);
  });

  test("boundaries are those of bus addresses", () => {
    const narrow = dmaConstraints({ segmentBoundaryMask: 0x3fff });
    const memory = { extents: Extents.of([0x1000, 0x5000]) };
    expect(checkMemory(narrow, memory).length).toBe(1);
    expect(checkMemory(narrow, memory, 0x1000)).toEqual([]);
    expect([...scatterlistFor(narrow, memory, 0x1000).lengths]).toEqual([0x4000]);
  });
});

describe("a list for one importer (D14)", () => {
  const memory = { extents: Extents.each([0x1_f000, 0x2_1000], [0x2_1000, 0x3_2000]) };

  test("cut at boundaries and where it is too long, never joined", () => {
    const sg = scatterlistFor(
      dmaConstraints({ segmentBoundaryMask: 0xffff, maxSegmentSize: 0x8000 }),
      memory,
    );
    expect([...sg.entries()].map(({ address, length }) => [address, length])).toEqual([
      [0x1_f000, 0x1000],
      [0x2_0000, 0x1000],
      [0x2_1000, 0x8000],
      [0x2_9000, 0x7000],
      [0x3_0000, 0x2000],
    ]);
    expect([...scatterlistFor(unconstrained, memory).lengths]).toEqual([0x2000, 0x1_1000]);
  });

  test("too many pieces are refused, and so is what no list mends", () => {
    const two = dmaConstraints({ maxSegmentCount: 2, maxSegmentSize: 65536 });
    expect(() => scatterlistFor(two, memory)).toThrow(
      "dma_buf_map_attachment: -EINVAL: the memory is 2 ranges, more than 2 segments of at most 65536 bytes",
    );
    const one = { extents: Extents.of([0, MIB]) };
    expect(refusalOf(dmaConstraints({ contiguous: true, maxSegmentSize: 65536 }), one)).toBe(
      "the memory is one range, more than 1 segment of at most 65536 bytes",
    );
    expect(refusalOf(dmaConstraints({ contiguous: true }), one)).toBeNull();
    expect(refusalOf(dmaConstraints({ needsPages: true }), { ...one, structPages: false })).toBe(
      "the memory has no struct pages",
    );
    expect(refusalOf({ ...unconstrained, maxSegmentSize: 0 }, one)).toBe(
      "segments of at most 0 bytes hold nothing",
    );
  });
});

test("a picture's lines are a segment each at worst, those of more than a page several (D17)", () => {
  expect(worstSegmentCount({ height: 1080, bytesPerLine: 1920 })).toBe(1080);
  expect(worstSegmentCount({ height: 2160, bytesPerLine: 15360 })).toBe(8640);
  expect(worstSegmentCount({ height: 480, bytesPerLine: 4096 })).toBe(480);
  expect(worstSegmentCount({ height: 480, bytesPerLine: 4097 })).toBe(960);
  expect(() => worstSegmentCount({ height: 0, bytesPerLine: 1 })).toThrow(TypeError);
  expect(() => worstSegmentCount({ height: 1, bytesPerLine: 0.5 })).toThrow(TypeError);
});
