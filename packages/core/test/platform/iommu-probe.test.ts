// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import {
  AssemblyError,
  assemble,
  type BoardDescription,
  definePlugin,
  KernelError,
} from "../../src/index.ts";
import { type IommuUnit, PlainTable, untranslated } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";

/** Knows ids by what is left of them without the lowest bit. */
const unit = (heard: unknown[]): IommuUnit => ({
  kind: "pairs",
  probe(device, ids) {
    heard.push([device, ids]);
    if (device === "late") throw new KernelError("ENOSPC", "iommu_probe_device", "full");
    return ids.map((id) => id >> 1);
  },
  allocateDomain: () => new PlainTable(),
  attach() {},
  translation: () => ({ translate: (address) => untranslated(address) }),
});

const platform = (heard: unknown[], devices: Record<string, readonly number[]>) => {
  const described = Object.entries(devices).map(
    ([name, ids]) => [name, { class: "dma", coherent: false, iommu: { unit: "mmu", ids } }] as const,
  );
  const board: BoardDescription = {
    model: "pairs",
    memory: [{ base: 0, size: "16MiB" }],
    devices: Object.fromEntries(described),
  };
  const plugin = definePlugin({ name: "pairs", provides: { iommus: { mmu: () => unit(heard) } } });
  return assemble(board, [toyArch(), plugin]);
};

test("an IOMMU hears of each device, and those that it cannot tell apart are one group", () => {
  const heard: unknown[] = [];
  const system = platform(heard, { a: [2], b: [4, 9], c: [8], d: [6] }).boot();
  expect(heard).toEqual([
    ["a", [2]],
    ["b", [4, 9]],
    ["c", [8]],
    ["d", [6]],
  ]);
  expect(system.iommuGroup("b")?.master.devices).toEqual(["b", "c"]);
  expect(system.iommuGroup("c")).toBe(system.iommuGroup("b"));
  expect(system.iommuGroup("a")?.master.devices).toEqual(["a"]);
  expect(system.iommuGroup("d")?.master.ids).toEqual([6]);
});

test("a device that an IOMMU has no room for is its driver's error", () => {
  expect(() => platform([], { late: [1] }).boot()).toThrow(
    new AssemblyError("pairs: late cannot be behind mmu: iommu_probe_device: -ENOSPC: full"),
  );
});

test("devices that share a group are found when one of them maps (M-2)", () => {
  const mapsFor = (name: string) =>
    platform([], { a: [2], b: [4, 9], c: [8] }).inspect(function* ({ dma, device, memory }) {
      const page = memory.pages.allocatePages(0);
      if (page === null) throw new TypeError("the board has no memory");
      dma.unmapPage(dma.mapPage(device(name), page, 4096, "to-device"));
      memory.pages.freePages(page, 0);
      yield 0;
    });
  const found = (name: string): readonly string[] =>
    mapsFor(name)
      .findings.filter(({ code }) => code === "not-isolated")
      .map(({ message }) => message);
  expect(found("a")).toEqual([]);
  expect(found("c")).toEqual([
    "mmu does not tell b, c apart by their ids, such as 0x9: each reaches what is mapped for the others (M-2)",
  ]);
});
