// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { Extents, KernelError } from "../../src/index.ts";
import { translatedSystem } from "./translated.ts";

const KIB = 1024;
const pieces = (...of: readonly (readonly [at: number, length: number])[]): Extents =>
  Extents.each(
    of.map(([at]) => at),
    of.map(([at, length]) => at + length),
  );

/** Bus addresses less the lowest granule, and lengths. */
function listed(dmaAddresses: Float64Array, dmaLengths: Float64Array): [number, number][] {
  const base = Math.floor((dmaAddresses[0] as number) / 4096) * 4096;
  return [...dmaAddresses].map((address, i) => [address - base, dmaLengths[i] as number]);
}

describe("mapping through an IOMMU", () => {
  test("a device without one is mapped directly (D-1)", () => {
    const { dma, device } = translatedSystem({
      behind: { addressBits: 32 },
      bare: { iommu: null },
    });
    const extents = pieces([0x3000, 0x1000]);
    expect([...dma.mapSgtable(device("bare"), extents, "to-device").dmaAddresses]).toEqual([0x3000]);
    expect([...dma.mapSgtable(device("behind"), extents, "to-device").dmaAddresses]).toEqual([0xffff_f000]);
  });

  test("a page keeps its offset in the granule, and 0 is no address (I-1, I-6)", () => {
    const { dma, device } = translatedSystem({ behind: { addressBits: 32 } });
    const mapping = dma.mapPage(device("behind"), 0x1234 as never, 0x1000, "to-device");
    expect(mapping.dmaAddress).toBe(0xffff_e234);
    const { table } = device("behind").iommu?.domain ?? expect.fail();
    expect([table.lookup(0xffff_e234 as never), table.lookup(0xffff_f233 as never)]).toEqual([
      0x1234, 0x2233,
    ]);
    dma.unmapPage(mapping);
    expect(table.lookup(0xffff_e234 as never)).toBeNull();
  });

  test.each([
    ["OA-10", pieces([0x8000, 4 * KIB], [0x3000, 4 * KIB], [0x6000, 4 * KIB]), {}, [[0, 0x3000]]],
    [
      "OA-11",
      pieces([0x8200, 0xe00], [0x3000, 0x1000], [0x6000, 0x800], [0x1000, 0x1000]),
      {},
      [
        [0x200, 0x2600],
        [0x3000, 0x1000],
      ],
    ],
    [
      "OA-15",
      pieces([0x1100, 0x100], [0x1300, 0x100]),
      {},
      [
        [0x100, 0x100],
        [0x1300, 0x100],
      ],
    ],
    [
      "OA-14",
      pieces([0x8000, 0x3000], [0x20000, 0x3000], [0x30000, 0x3000]),
      { maxSegmentSize: 0x4000, segmentBoundaryMask: 0x3fff },
      [
        [0, 0x3000],
        [0x4000, 0x3000],
        [0x8000, 0x3000],
      ],
    ],
  ])("%s: a list is one range, joined as the kernel joins it (I-8)", (_, extents, limits, expected) => {
    const { dma, device } = translatedSystem({ behind: limits });
    const mapping = dma.mapSgtable(device("behind"), extents, "bidirectional");
    expect(listed(mapping.dmaAddresses, mapping.dmaLengths)).toEqual(expected);
    expect([mapping.nents, mapping.extents.count]).toEqual([expected.length, extents.count]);
    dma.unmapSgtable(mapping);
    expect([
      dma.live.size,
      device("behind").iommu?.domain.table.lookup(mapping.dmaAddresses[0] as never),
    ]).toEqual([0, null]);
  });

  test("what the bus does not show of memory does not matter, only of addresses (I-3)", () => {
    const { dma, device } = translatedSystem({
      far: { offset: 2 ** 40 },
      narrow: { limit: "1MiB", addressBits: 32 },
    });
    const extents = pieces([0x80_0000, 0x1000]);
    expect(dma.mapSgtable(device("far"), extents, "to-device").nents).toBe(1);
    expect([...dma.mapSgtable(device("narrow"), extents, "to-device").dmaAddresses]).toEqual([0xf_f000]);
  });

  test("no addresses are left: ENOMEM for a list, EIO for a page, and nothing is half done (I-9)", () => {
    const { dma, device } = translatedSystem({ narrow: { limit: "16KiB" } });
    const narrow = device("narrow");
    const errno = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (error instanceof KernelError) return error.errno;
      }
      return "none";
    };
    expect(errno(() => dma.mapSgtable(narrow, pieces([0, 32 * KIB]), "to-device"))).toBe("ENOMEM");
    expect(errno(() => dma.mapPage(narrow, 0 as never, 32 * KIB, "to-device"))).toBe("EIO");
    expect([dma.live.size, narrow.iommu?.domain.iova.rangeCount]).toEqual([0, 0]);
    const unchecked = dma.mapPage(narrow, 0 as never, 32 * KIB, "to-device", { unchecked: true });
    expect(dma.mappingError(unchecked)).toBe(true);
  });

  test("what the device may do follows from direction, coherency and attributes (I-2, D-9)", () => {
    const { dma, device, dmaBuf } = translatedSystem({ plain: {}, snooping: { coherent: true } });
    const plain = device("plain");
    const reads = dma.mapPage(plain, 0x1000 as never, 4096, "to-device");
    expect(dmaBuf.transfers.accessAt(plain, reads.dmaAddress, 64, "read")).toBe(64);
    expect(dmaBuf.transfers.accessAt(plain, reads.dmaAddress, 64, "write")).toBe(0);
    const hidden = dma.mapPage(plain, 0x1000 as never, 4096, "bidirectional", { privileged: true });
    expect(dmaBuf.transfers.accessAt(plain, hidden.dmaAddress, 64, "read")).toBe(0);
    const window = dma.mapResource(plain, 0x4000_0000 as never, 4096, "bidirectional");
    expect(window.dmaAddress).not.toBe(0x4000_0000);
    expect(plain.iommu?.domain.table.lookup(window.dmaAddress as never)).toBe(0x4000_0000);
    dma.unmapResource(window);
    expect(plain.iommu?.domain.table.lookup(window.dmaAddress as never)).toBeNull();
  });

  test("how large mappings should be, and where they merge (D-19, I-13)", () => {
    const { dma, device } = translatedSystem({ behind: {}, bare: { iommu: null } });
    const behind = device("behind");
    expect(dma.optMappingSize(behind)).toBe(128 * KIB);
    expect([dma.maxMappingSize(behind), dma.mergeBoundary(behind)]).toEqual([Number.POSITIVE_INFINITY, 4095]);
    expect(dma.mergeBoundary(device("bare"))).toBe(0);
  });

  test("maps and unmaps leave the kernel's events", () => {
    const { dma, device, simulation } = translatedSystem({ behind: { addressBits: 32 } });
    const extents = pieces([0x3000, 0x1000], [0x4000, 0x1000], [0x1000, 0x1000]);
    dma.unmapSgtable(dma.mapSgtable(device("behind"), extents, "to-device"));
    const events = [...simulation.trace.events()].filter(({ point }) => point.system === "iommu").map(String);
    expect(events).toEqual([
      "map: iova=0xffffc000 paddr=0x3000 size=8192",
      "map: iova=0xffffe000 paddr=0x1000 size=4096",
      "unmap: iova=0xffffc000 size=12288 unmapped_size=12288",
    ]);
  });
});
