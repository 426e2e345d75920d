// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, type BoardDescription, definePlugin, KernelError } from "../../src/index.ts";
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

const boot = (heard: unknown[], devices: Record<string, readonly number[]>) => {
  const described = Object.entries(devices).map(
    ([name, ids]) => [name, { class: "dma", coherent: false, iommu: { unit: "mmu", ids } }] as const,
  );
  const board: BoardDescription = {
    model: "pairs",
    memory: [{ base: 0, size: "16MiB" }],
    devices: Object.fromEntries(described),
  };
  const plugin = definePlugin({ name: "pairs", provides: { iommus: { mmu: () => unit(heard) } } });
  return assemble(board, [toyArch(), plugin]).boot();
};

test("an IOMMU hears of each device, and those that it cannot tell apart are one group", () => {
  const heard: unknown[] = [];
  const system = boot(heard, { a: [2], b: [4, 9], c: [8], d: [6] });
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
  expect(() => boot([], { late: [1] })).toThrow("iommu_probe_device: -ENOSPC: full");
});
