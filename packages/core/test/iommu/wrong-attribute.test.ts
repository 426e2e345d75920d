// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { assemble, board, definePlugin, Extents, type Finding, type System } from "../../src/index.ts";
import { PlainTable } from "../../src/iommu/plain-table.ts";
import type { Snooping } from "../../src/iommu/translation.ts";
import { toyArch } from "../../src/testing.ts";

const PAGE = 4096;

/** An IOMMU whose mappings all say one thing about snooping. */
function saying(snooping: Snooping) {
  const table = new PlainTable({ end: 2 ** 32 });
  const translate = (address: number, access: number) => ({ ...table.translate(address, access), snooping });
  const unit = {
    kind: "saying",
    allocateDomain: () => table,
    attach: () => {},
    translation: () => ({ translate }),
  };
  return definePlugin({ name: "saying", provides: { iommus: { iommu: () => unit } } });
}

/** What is found when the CPU fills a page and a coherent device reads it, or the other way round. */
function found(snooping: Snooping, kind: "read" | "write", noSnoop = false): readonly Finding[] {
  const adc = {
    class: "dma",
    coherent: true,
    port: "snoop",
    noSnoop,
    iommu: { unit: "iommu", ids: [1] },
  } as const;
  const described = board({ model: "b", memory: [{ base: 0, size: "16MiB" }], devices: { adc } });
  const platform = assemble(described, [toyArch(), saying(snooping)]);
  return platform
    .inspect(function* (system: System) {
      const page = system.memory.pages.allocatePages(0);
      if (page === null) return;
      const extents = Extents.of([page, page + PAGE]);
      system.cpu.access("write", extents);
      const device = system.device("adc");
      const mapping = system.dma.mapPage(device, page, PAGE, "bidirectional");
      system.dmaBuf.transfers.accessAt(device, mapping.dmaAddress, PAGE, kind);
      system.dma.unmapPage(mapping);
      system.cpu.access("read", extents);
      yield* system.cpu.settle();
    })
    .findings.filter(({ severity }) => severity === "error");
}

describe("the way of an access comes from its mapping", () => {
  test("a mapping that snoops sees what the CPU wrote, and the CPU what came through it", () => {
    expect(found("always", "read")).toEqual([]);
    expect(found("always", "write")).toEqual([]);
  });

  test("one that does not lets a coherent device miss it, since nobody cleans for it: the mapping is what is wrong", () => {
    const [stale] = found("never", "read");
    expect(stale?.code).toBe("stale-read");
    expect(stale?.device).toBe("adc");
    expect(stale?.fix[0]).toBe("map 0xfffff000 for adc with IOMMU_CACHE, so that it snoops");
    expect(stale?.fix[1]).toMatch(/^clean the lines in cpu's cache before adc reads/);
  });

  test("and what it writes can be overwritten or not be seen", () => {
    const codes = found("never", "write").map(({ code, fix }) => [code, fix[0]?.includes("IOMMU_CACHE")]);
    expect(codes).toContainEqual(["lost-write", true]);
  });

  test("a transaction that asks not to be snooped is, where its mapping says so", () => {
    expect(found("device", "read", true).map(({ code }) => code)).toEqual(["stale-read"]);
    expect(found("always", "read", true)).toEqual([]);
  });
});
