// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Extents, KernelError, type Process, type System } from "../../src/index.ts";
import { translatedPlatform } from "./translated.ts";

const PAGE = 4096;
const platform = translatedPlatform({
  eth: {},
  lazy: { iommu: "lazy" },
  snooping: { coherent: true },
  narrow: { limit: "64KiB" },
  bare: { iommu: null },
});
/** On a machine that has run for a while: no two free pages lie together. */
const on = <T>(process: (system: System) => Process<T>): T =>
  platform.simulate(process, { scatter: { seed: 3 } });

/** Where the pages behind a range of a device's addresses are. */
const behind = ({ device }: System, name: string, address: number, size: number): (number | null)[] =>
  Array.from({ length: size / PAGE }, (_, i) => {
    const { table } = device(name).iommu?.domain ?? expect.fail();
    return table.lookup((address + i * PAGE) as never);
  });
const pagesOf = (extents: Extents): number[] =>
  Array.from({ length: extents.bytes / PAGE }, (_, i) => extents.addressAt(i * PAGE));

describe("allocations behind an IOMMU (I-12, D-35, D-36)", () => {
  test("coherent memory lies anywhere, and the device sees it in one piece", () => {
    on(function* (system) {
      const { dmaAllocations, device, memory, dma } = system;
      const free = memory.pages.freePageCount();
      const allocation = yield* dmaAllocations.coherent(device("eth"), 10 * PAGE);
      const { extents, dmaAddress, source, size } = allocation;
      expect([source, size, extents.bytes]).toEqual(["scattered", 10 * PAGE, 10 * PAGE]);
      expect(extents.count).toBeGreaterThan(1);
      expect(behind(system, "eth", dmaAddress, size)).toEqual(pagesOf(extents));
      dmaAllocations.freeCoherent(allocation);
      expect(behind(system, "eth", dmaAddress, size).every((page) => page === null)).toBe(true);
      expect([memory.pages.freePageCount(), dma.live.size]).toEqual([free, 0]);
      expect(device("eth").iommu?.domain.iova.caches.cachedCount).toBe(1);
    });
  });

  test("unless it must be contiguous", () => {
    on(function* (system) {
      const { dmaAllocations, device } = system;
      const allocation = yield* dmaAllocations.coherent(device("eth"), 2 * PAGE, { forceContiguous: true });
      expect([allocation.source, allocation.extents.count]).toEqual(["pages", 1]);
      const pages = yield* dmaAllocations.pages(device("eth"), 2 * PAGE, "to-device");
      expect([pages.source, pages.extents.count]).toEqual(["pages", 1]);
      expect(behind(system, "eth", pages.dmaAddress, 2 * PAGE)).toEqual(pagesOf(pages.extents));
      dmaAllocations.freePages(pages);
      dmaAllocations.freeCoherent(allocation);
    });
  });

  test("non-contiguous memory is one segment", () => {
    on(function* (system) {
      const { dmaAllocations, device } = system;
      const single = { allocSinglePages: true };
      const allocation = yield* dmaAllocations.noncontiguous(device("eth"), 8 * PAGE, "from-device", single);
      const { nents, dmaAddresses, dmaLengths, extents } = allocation;
      expect([nents, ...dmaLengths]).toEqual([1, 8 * PAGE]);
      expect(behind(system, "eth", dmaAddresses[0] as number, 8 * PAGE)).toEqual(pagesOf(extents));
      dmaAllocations.freeNoncontiguous(allocation);
    });
  });

  test("large memory comes in blocks of 2 MiB where there are any", () => {
    platform.simulate(function* ({ dmaAllocations, device }) {
      const allocation = yield* dmaAllocations.coherent(device("snooping"), 2 ** 21 + PAGE);
      expect([...allocation.extents.starts].some((start) => start % 2 ** 21 === 0)).toBe(true);
      expect(allocation.memoryType).toBe("write-back");
      dmaAllocations.freeCoherent(allocation);
    });
  });

  test("no addresses are ENOMEM, and the pages go back", () => {
    on(function* ({ dmaAllocations, device, memory }) {
      const free = memory.pages.freePageCount();
      let errno = "none";
      try {
        yield* dmaAllocations.coherent(device("narrow"), 32 * PAGE);
      } catch (error) {
        if (error instanceof KernelError) errno = error.errno;
      }
      expect([errno, memory.pages.freePageCount()]).toEqual(["ENOMEM", free]);
    });
  });

  test("the same memory for another device is mapped by its IOMMU, and needs one when it is scattered (D32)", () => {
    on(function* (system) {
      const { dmaAllocations, device, dma } = system;
      const own = yield* dmaAllocations.coherent(device("eth"), 4 * PAGE);
      const other = dmaAllocations.remap(own, device("lazy"));
      expect(behind(system, "lazy", other.dmaAddress, 4 * PAGE)).toEqual(pagesOf(own.extents));
      expect(() => dmaAllocations.remap(own, device("bare"))).toThrow("bare is not behind an IOMMU");
      dmaAllocations.freeCoherent(other);
      expect(behind(system, "lazy", other.dmaAddress, PAGE)).toEqual([null]);
      expect(behind(system, "eth", own.dmaAddress, 4 * PAGE), "the first one is still there").toEqual(
        pagesOf(own.extents),
      );
      dmaAllocations.freeCoherent(own);
      expect(dma.live.size).toBe(0);
    });
  });
});
