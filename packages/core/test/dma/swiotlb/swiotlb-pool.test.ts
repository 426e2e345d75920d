// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { physAddr } from "../../../src/address.ts";
import { maxMappingSize } from "../../../src/dma/swiotlb/slot.ts";
import type { SlotRange, SlotRequest } from "../../../src/dma/swiotlb/slot-request.ts";
import { SwiotlbPool } from "../../../src/dma/swiotlb/swiotlb-pool.ts";

const START = 0x8000_0000;

const pool = (options = {}) => new SwiotlbPool(physAddr(START), options);

function get(from: SwiotlbPool, request: Omit<SlotRequest, "original"> & { original?: number }): SlotRange {
  const range = from.allocate({ ...request, original: physAddr(request.original ?? 0x1_2345_6000) });
  if (typeof range === "string") throw new Error(range);
  return range;
}

describe("a pool of bounce buffers", () => {
  it("has 64 MiB in slots of 2 KiB and one area for each CPU, rounded up", () => {
    expect(pool()).toMatchObject({ slots: 32768, areas: 1, end: START + 64 * 2 ** 20 });
    expect(pool({ cpus: 6 })).toMatchObject({ slots: 32768, areas: 8 });
    expect(pool({ size: 1, cpus: 3 })).toMatchObject({ slots: 512, areas: 4 });
    expect(pool({ size: 3 * 2 ** 20 })).toMatchObject({ slots: 2048 });
  });

  it("gives one byte a slot, from its beginning without a mask (OA-30)", () => {
    const own = pool();
    expect(get(own, { original: 0x1235, size: 1 })).toEqual({
      address: START,
      first: 0,
      count: 1,
      padding: 0,
      bytes: 1,
    });
    expect(own.used).toBe(1);
    expect(get(own, { original: 0x1235, size: 1, minAlignMask: 0x7ff }).address).toBe(START + 0x800 + 0x235);
  });

  it("gives a page two slots, page-aligned (OA-31)", () => {
    const own = pool();
    get(own, { size: 1 });
    const range = get(own, { original: 0xabc, size: 4096 });
    expect(range).toMatchObject({ address: START + 4096, count: 2 });
    get(own, { size: 1 });
    // Below a page, a slot is enough.
    expect(get(own, { size: 4095 })).toMatchObject({ address: START + 5 * 2048, count: 2 });
  });

  it("keeps the offset under a mask of 4 KiB (OA-32)", () => {
    const range = get(pool(), { original: 0x7_7777_7a00, size: 0x1000, minAlignMask: 0xfff });
    expect(range).toEqual({ address: START + 0xa00, first: 1, count: 3, padding: 0, bytes: 0x1200 });
  });

  it("serves a segment and no byte more (OA-33)", () => {
    const own = pool();
    expect(get(own, { size: 256 * 1024 })).toMatchObject({ first: 0, count: 128 });
    expect(own.allocate({ original: physAddr(0), size: 256 * 1024 + 1 })).toBe("too-large");
  });

  it("maps less where offsets have to be kept (OA-34)", () => {
    expect(maxMappingSize(0xfff)).toBe(256 * 1024 - 4096);
    expect(maxMappingSize(0x1ff)).toBe(256 * 1024 - 2048);
    expect(maxMappingSize()).toBe(256 * 1024);
    for (const offset of [0, 1, 0x7ff, 0x800, 0xfff]) {
      const size = maxMappingSize(0xfff);
      expect(get(pool(), { original: 0x1000 + offset, size, minAlignMask: 0xfff }).count).toBeLessThanOrEqual(
        128,
      );
    }
  });

  it("pads the beginning with slots where the allocation has an alignment of its own", () => {
    const range = get(pool(), {
      ...{ original: 0x5a34, size: 100, minAlignMask: 0xfff, allocAlignMask: 0xfff },
    });
    expect(range).toEqual({ address: START + 0xa34, first: 0, count: 2, padding: 1, bytes: 4096 });
  });

  it("does not cross the device's segment boundary, as the bus sees it", () => {
    const own = pool();
    get(own, { size: 24 * 1024 });
    const range = get(own, { size: 48 * 1024, boundaryMask: 0xffff });
    expect(range.first).toBe(32);
    const shifted = pool();
    get(shifted, { size: 24 * 1024 });
    expect(get(shifted, { size: 48 * 1024, boundaryMask: 0xffff, dmaOffset: 0x8000 }).first).toBe(16);
    expect(own.allocate({ original: physAddr(0), size: 65537, boundaryMask: 0xffff })).toBe("too-large");
  });

  it("goes on behind the last allocation, and comes round", () => {
    const own = pool({ size: 256 * 1024 });
    const first = get(own, { size: 2048 * 100 });
    own.release(first);
    expect(get(own, { size: 2048 }).first).toBe(100);
    expect(get(own, { size: 2048 * 28 }).first).toBe(0);
  });

  it("asks the CPU's own area first, then the others in turn", () => {
    const own = pool({ size: 2 ** 20, cpus: 4 });
    const firsts = [0, 1, 2, 3].map(() => get(own, { size: 256 * 1024, cpu: 2 }).first);
    expect(firsts).toEqual([256, 384, 0, 128]);
    expect(own.allocate({ original: physAddr(0), size: 1, cpu: 1 })).toBe("full");
  });

  it("says when it is full, and refuses what is no request", () => {
    const own = pool({ size: 256 * 1024 });
    get(own, { size: 255 * 1024 });
    expect(own.allocate({ original: physAddr(0), size: 2049 })).toBe("full");
    expect(() => get(own, { size: 0 })).toThrow("not a size to map: 0");
    expect(() => get(own, { size: 1, boundaryMask: 0x1234 })).toThrow("is not all ones");
    expect(() => own.release({ address: physAddr(START), first: 1, count: 3, padding: 0, bytes: 1 })).toThrow(
      "were not allocated together",
    );
    expect(() => new SwiotlbPool(physAddr(0x800))).toThrow("not page-aligned");
    expect(() => pool({ cpus: 0 })).toThrow("not a number of CPUs");
    expect(() => pool({ size: 0 })).toThrow("not a pool size");
    expect([own.holds(START), own.holds(own.end)]).toEqual([true, false]);
  });
});
