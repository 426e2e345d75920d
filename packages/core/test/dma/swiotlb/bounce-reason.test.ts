// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { physAddr } from "../../../src/address.ts";
import { identityWindows } from "../../../src/dma/dma-window.ts";
import { type DeviceReach, wouldBounce } from "../../../src/dma/swiotlb/bounce-reason.ts";
import { kmallocSize } from "../../../src/dma/swiotlb/kmalloc-size.ts";

const free: DeviceReach = {
  dmaMask: Number.POSITIVE_INFINITY,
  windows: identityWindows,
  coherent: false,
  forced: false,
};

const range = (start: number, size: number, direction: "to-device" | "from-device" = "from-device") => ({
  start: physAddr(start),
  size,
  direction,
});

describe("a mapping", () => {
  it("does not bounce where the device reaches", () => {
    expect(wouldBounce(free, range(2 ** 40, 4096))).toBeNull();
    expect(wouldBounce({ ...free, dmaMask: 0xffffffff }, range(0xffff_f000, 4096))).toBeNull();
  });

  it("bounces whatever it is where that is forced", () => {
    expect(wouldBounce({ ...free, forced: true }, range(0, 1))).toEqual({ kind: "forced" });
  });

  it("bounces past the lower of two limits, which is named with the first page past it", () => {
    const reach = { ...free, dmaMask: 0xffffffff, windows: [{ cpu: 0, bus: 0, size: 0x4000_0000 }] };
    expect(wouldBounce(reach, range(0x3fff_f800, 0x1800))).toEqual({
      ...{ kind: "beyond-limit", limit: "bus-dma-limit", bound: 0x3fffffff, page: 0x4000_0000 },
    });
    expect(wouldBounce({ ...reach, windows: identityWindows }, range(0x1_2345_6789, 10))).toEqual({
      ...{ kind: "beyond-limit", limit: "dma-mask", bound: 0xffffffff, page: 0x1_2345_6000 },
    });
  });

  it("is judged by the address on the bus", () => {
    const reach = {
      ...{ ...free, dmaMask: 0x3fffffff },
      windows: [{ cpu: 0x4000_0000, bus: 0, size: Number.POSITIVE_INFINITY }],
    };
    expect(wouldBounce(reach, range(0x7fff_f000, 4096))).toBeNull();
    expect(wouldBounce(reach, range(0x8000_0000, 1))).toMatchObject({ limit: "dma-mask", page: 0x8000_0000 });
    expect(wouldBounce(reach, range(0x3fff_ffff, 1))).toMatchObject({
      limit: "dma-ranges",
      bound: 0x4000_0000,
    });
  });

  it("bounces small ones that could share a line with others, if a device writes past the caches", () => {
    const kmalloc = { dmaMinAlign: 128, cacheAlignment: 64 };
    const reason = { kind: "unaligned-kmalloc" };
    expect(wouldBounce(free, range(0, 65), kmalloc)).toEqual(reason);
    expect(wouldBounce(free, range(0, 8), kmalloc)).toEqual(reason);
    for (const size of [64, 128, 129, 192, 256, 300])
      expect(wouldBounce(free, range(0, size), kmalloc)).toBeNull();
    expect(wouldBounce(free, range(0, 65, "to-device"), kmalloc)).toBeNull();
    expect(wouldBounce({ ...free, coherent: true }, range(0, 65), kmalloc)).toBeNull();
    expect(wouldBounce(free, range(0, 65))).toBeNull();
  });
});

it("allocations come in powers of two from 8, in 96 and in 192", () => {
  expect([1, 8, 9, 33, 64, 65, 96, 97, 129, 192, 193].map(kmallocSize)).toEqual([
    8, 8, 16, 64, 64, 96, 96, 128, 192, 192, 256,
  ]);
});
