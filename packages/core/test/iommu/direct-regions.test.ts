// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { assemble, definePlugin, dmaAddr, KernelError } from "../../src/index.ts";
import { type IommuUnit, PlainTable, type ReservedRegion } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing.ts";

/** A board with one device behind an IOMMU of plain tables, with these regions. */
function booted(regions: readonly ReservedRegion[]) {
  const table = new PlainTable({ end: 2 ** 32 });
  const unit: IommuUnit = {
    kind: "plain",
    allocateDomain: () => table,
    attach: () => {},
    translation: () => table,
    reservedRegions: () => regions,
  };
  const devices = { nic: { class: "net", coherent: false, iommu: { unit: "iommu", ids: [1] } } } as const;
  const board = { model: "board", memory: [{ base: 0, size: "16MiB" }], devices } as const;
  const plugin = definePlugin({ name: "plain", provides: { iommus: { iommu: () => unit } } });
  return { system: assemble(board, [toyArch(), plugin]).boot(), table };
}

const MIB = 2 ** 20;

describe.each(["direct", "direct-relaxable"] as const)("a region that is %s (M-6)", (kind) => {
  test("is mapped to itself at once with the first mapping of the DMA API, and never handed out", () => {
    const { system, table } = booted([{ start: 0xff00_0000, size: 16 * MIB, kind }]);
    const nic = system.device("nic");
    const page = system.memory.pages.allocatePages(0) ?? expect.fail();
    const { dmaAddress } = system.dma.mapPage(nic, page, 4096, "to-device");
    expect(dmaAddress).toBeLessThan(0xff00_0000);
    expect(table.lookup(dmaAddr(0xff12_3456))).toBe(0xff12_3456);
    expect(table.mappedBytes).toBe(16 * MIB + 4096);
    const maps = [...system.simulation.trace.events()]
      .filter(({ point }) => point.name === "map")
      .map(String);
    expect(maps[0]).toBe(`map: iova=0xff000000 paddr=0xff000000 size=${16 * MIB}`);
    expect(maps).toHaveLength(2);
  });

  test("that overlaps another is mapped around it", () => {
    const { system, table } = booted([
      { start: 0xff00_2000, size: 0x1000, kind },
      { start: 0xff00_0000, size: 0x5000, kind },
    ]);
    void system.device("nic").iommu?.domain;
    expect(table.mappedBytes).toBe(0x5000);
  });
});

test("whoever takes a device is refused for a direct region, and not for one that is relaxable", () => {
  const claim = (kind: ReservedRegion["kind"]) => () =>
    booted([{ start: 0, size: 4096, kind }])
      .system.iommuGroup("nic")
      ?.claim();
  expect(claim("direct")).toThrow(KernelError);
  expect(claim("direct-relaxable")).not.toThrow();
});
