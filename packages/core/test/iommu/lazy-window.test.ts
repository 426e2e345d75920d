// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { physAddr } from "../../src/address.ts";
import { assemble, type Process, type System } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { toyUnit } from "./toy-unit.ts";

const PAGE = 4096;
const MS = 1_000_000;

/** A board of a device behind an IOMMU with page tables. */
function platformOf(domain: "strict" | "lazy") {
  const eth = { class: "net", coherent: true, iommu: { unit: "mmu", ids: [1], domain } } as const;
  const board = { model: "window", memory: [{ base: 0, size: "16MiB" }], devices: { eth } } as const;
  return assemble(board, [toyArch(), toyUnit("mmu")]);
}

/** Maps a page, lets the device use it, and unmaps it. Returns how much the device reaches there from then on. */
function unmapped({ dma, dmaBuf, device }: System, pages = 1): () => number {
  const eth = device("eth");
  const mapping = dma.mapPage(eth, physAddr(0x40_0000), pages * PAGE, "from-device");
  const touch = (): number => dmaBuf.transfers.accessAt(eth, mapping.dmaAddress, 64, "write");
  expect(touch()).toBe(64);
  dma.unmapPage(mapping);
  return touch;
}

describe("how long a device reaches what was unmapped (I-5, G.9)", () => {
  test("strict: not at all", () => {
    expect(unmapped(platformOf("strict").boot())()).toBe(0);
  });

  test.each([
    [10 * MS - 1, 64],
    [10 * MS, 0],
  ])("lazy: until 10 ms after the first unmap, so %i ns later %i bytes", (later, reached) => {
    const end = platformOf("lazy").simulate(function* (system): Process<number> {
      const touch = unmapped(system);
      yield later;
      return touch();
    });
    expect(end).toBe(reached);
  });

  test("lazy: the clock runs from the first that waits, not from the last", () => {
    const reached = platformOf("lazy").simulate(function* (system): Process<number[]> {
      const first = unmapped(system);
      yield 9 * MS;
      const second = unmapped(system);
      yield MS - 1;
      const before = [first(), second()];
      yield 1;
      return [...before, first(), second()];
    });
    expect(reached).toEqual([64, 64, 0, 0]);
  });

  test("lazy: or until 255 wait and one more comes, which is not flushed with them", () => {
    const system = platformOf("lazy").boot();
    const touches = Array.from({ length: 255 }, () => unmapped(system));
    expect(touches.map((touch) => touch())).toEqual(Array(255).fill(64));
    const last = unmapped(system);
    expect(touches.map((touch) => touch())).toEqual(Array(255).fill(0));
    // All of the TLB is flushed, and this one had left the page tables before.
    expect([last(), system.device("eth").iommu?.domain.flushQueue?.length]).toEqual([0, 1]);
  });

  test("lazy: the address is handed out again only then", () => {
    const used = platformOf("lazy").simulate(function* ({ dma, device }): Process<boolean[]> {
      const map = () => dma.mapPage(device("eth"), physAddr(0x5000), PAGE, "from-device");
      const first = map();
      dma.unmapPage(first);
      const second = map();
      yield 10 * MS;
      const third = map();
      return [second.dmaAddress === first.dmaAddress, third.dmaAddress === first.dmaAddress];
    });
    expect(used).toEqual([false, true]);
  });
});

test.each(["strict", "lazy"] as const)(
  "tables are given back after the flush and not before: %s",
  (domain) => {
    const free = platformOf(domain).simulate(function* (system): Process<number[]> {
      const { memory, dma, device } = system;
      const counts: number[] = [];
      const note = (): void => void counts.push(memory.pages.freePageCount());
      // The root, and one table below it which stays: it maps another page.
      dma.mapPage(device("eth"), physAddr(0x5000), PAGE, "from-device");
      note();
      // 2 MiB at an odd place take pages of two tables and more, aligned in between.
      const mapping = dma.mapPage(device("eth"), physAddr(0x40_1000), 2 * 256 * PAGE, "from-device");
      note();
      dma.unmapPage(mapping);
      note();
      yield 10 * MS;
      note();
      return counts.map((count) => (counts[0] as number) - count);
    });
    const [, mapped, unmappedNow, later] = free;
    expect(mapped).toBeGreaterThan(0);
    expect(unmappedNow).toBe(domain === "lazy" ? mapped : 0);
    expect(later).toBe(0);
  },
);

test("lazy: a flush of one range gives back no tables of others that wait", () => {
  const system = platformOf("lazy").boot();
  const { memory, iommu } = system;
  const table = iommu("mmu").allocateDomain();
  const map = (iova: number): void => table.map(iova as never, 0x1000 as never, 256 * PAGE, 3);
  map(0x4000_0000);
  map(0x5000_0000);
  const mapped = memory.pages.freePageCount();
  table.unmap(0x4000_0000 as never, 256 * PAGE);
  table.unmap(0x5000_0000 as never, 256 * PAGE);
  table.flush(0x5000_0000 as never, 256 * PAGE);
  expect(memory.pages.freePageCount() - mapped).toBe(1);
  table.flushAll();
  expect(memory.pages.freePageCount() - mapped).toBe(2);
});
