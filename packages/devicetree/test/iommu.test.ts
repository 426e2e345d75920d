// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { board, machine, machineMaster, master } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const smmu = (phandle: number, properties: Tree = {}): Tree => ({
  compatible: "arm,mmu-500",
  "#iommu-cells": 1,
  phandle,
  ...properties,
});
const usb = (properties: Tree): Tree => ({
  "usb@1000": { compatible: "snps,dwc3", reg: [0x1000, 1], ...properties },
});
const path = "/usb@1000";
const off = { status: "disabled" };

const rows: [rule: string, content: Tree, iommus: unknown, translated: boolean][] = [
  ["none", usb({}), [], false],
  [
    "one, with its stream id",
    { "smmu@1": smmu(1), ...usb({ iommus: [1, 0x860] }) },
    [{ path: "/smmu@1", ids: [0x860] }],
    true,
  ],
  [
    "several ids of one",
    { "smmu@1": smmu(1), ...usb({ iommus: [1, 4, 1, 5] }) },
    [{ path: "/smmu@1", ids: [4, 5] }],
    true,
  ],
  [
    "several IOMMUs, in the order of the list",
    { "a@1": smmu(1), "b@2": smmu(2), ...usb({ iommus: [2, 9, 1, 8] }) },
    [
      { path: "/b@2", ids: [9] },
      { path: "/a@1", ids: [8] },
    ],
    true,
  ],
  [
    "of two arguments the first is the id",
    { "smmu@1": smmu(1, { "#iommu-cells": 2 }), ...usb({ iommus: [1, 0x880, 0x8] }) },
    [{ path: "/smmu@1", ids: [0x880] }],
    true,
  ],
  [
    "without arguments no ids",
    { "iommu@1": smmu(1, { compatible: "rockchip,iommu", "#iommu-cells": 0 }), ...usb({ iommus: 1 }) },
    [{ path: "/iommu@1", ids: [] }],
    true,
  ],
  [
    "a disabled target is left out, the device untranslated",
    { "smmu@1": smmu(1, off), ...usb({ iommus: [1, 4] }) },
    [],
    false,
  ],
  [
    "a target in a disabled bus is disabled",
    { bus: { ...off, "smmu@1": smmu(1) }, ...usb({ iommus: [1, 4] }) },
    [],
    false,
  ],
  [
    "one disabled of two: the enabled is listed, not all is translated",
    { "a@1": smmu(1), "b@2": smmu(2, off), ...usb({ iommus: [1, 4, 2, 5] }) },
    [{ path: "/a@1", ids: [4] }],
    false,
  ],
  [
    "a target in a bus goes by its full path",
    { bus: { "smmu@1": smmu(1) }, ...usb({ iommus: [1, 4] }) },
    [{ path: "/bus/smmu@1", ids: [4] }],
    true,
  ],
  [
    "a phandle that no node has ends the list",
    { "a@1": smmu(1), ...usb({ iommus: [1, 4, 77, 5] }) },
    [{ path: "/a@1", ids: [4] }],
    false,
  ],
  ["an entry cut short ends the list", { "a@1": smmu(1), ...usb({ iommus: [1] }) }, [], false],
  [
    "a target without #iommu-cells ends the list",
    { x: { phandle: 1 }, ...usb({ iommus: [1, 4] }) },
    [],
    false,
  ],
  [
    "an empty entry is passed over",
    { "a@1": smmu(1), ...usb({ iommus: [0, 1, 4] }) },
    [{ path: "/a@1", ids: [4] }],
    true,
  ],
];

describe("iommus (of_iommu_configure)", () => {
  test.each(rows)("%s", (_, content, iommus, translated) => {
    expect(master(board(content), path).iommus).toEqual(iommus);
    expect(machineMaster(machine(content), path).translated).toBe(translated);
  });

  test("what Linux carries on without is named", () => {
    const disabled = board({ "smmu@1": smmu(1, off), ...usb({ iommus: [1, 4] }) });
    expect(disabled.assumed).toContain("/usb@1000: its IOMMU /smmu@1 is disabled, so it runs untranslated");
    const dangling = board(usb({ iommus: [77, 5] }));
    expect(dangling.assumed).toContain(
      "/usb@1000: iommus names phandle 0x4d, which no node has; Linux carries on without",
    );
    const cut = board({ "a@1": smmu(1), ...usb({ iommus: 1 }) });
    expect(cut.assumed.join("\n")).toContain("/usb@1000: iommus ends inside of its entry for /a@1");
    const odd = board({ "a@1": { phandle: 1 }, ...usb({ iommus: 1 }) });
    expect(odd.assumed.join("\n")).toContain("/usb@1000: iommus names /a@1, which has no #iommu-cells");
  });

  test("absurd argument counts and odd lengths are refused", () => {
    expect(() =>
      board({ "a@1": smmu(1, { "#iommu-cells": 0x1000_0000 }), ...usb({ iommus: [1, 1] }) }),
    ).toThrow("268435456 cells; Linux takes at most 16");
    expect(() => board(usb({ iommus: new Uint8Array([0, 0, 1]) }))).toThrow(
      "3 bytes are no whole number of 32-bit cells",
    );
  });
});

describe("iommu-map (of_map_id)", () => {
  const host = (map: readonly number[], cells: number): Tree => ({
    "smmu@1": smmu(1, { "#iommu-cells": cells }),
    "pcie@2000": {
      compatible: "pci-host-ecam-generic",
      device_type: "pci",
      reg: [0x2000, 1],
      "#address-cells": 3,
      "#size-cells": 2,
      "iommu-map": map,
    },
  });
  const idsOf = (map: readonly number[], cells: number): unknown =>
    master(board(host(map, cells)), "/pcie@2000").iommus;

  test.each<[rule: string, map: readonly number[], cells: number, ids: readonly number[]]>([
    [
      "entries of requester id, IOMMU, first id, count",
      [0, 1, 0x4000, 0x100, 0x100, 1, 0x5000, 0x100],
      1,
      [0x4000, 0x5000],
    ],
    [
      "as many ids as the IOMMU takes",
      [0, 1, 0x1c00, 0x3f, 1, 0x100, 1, 0x1c01, 0x3f, 1],
      2,
      [0x1c00, 0x1c01],
    ],
    [
      "one id for two is tolerated when all counts are 1",
      [0, 1, 0x1c00, 1, 0x100, 1, 0x1c01, 1],
      2,
      [0x1c00, 0x1c01],
    ],
    ["an IOMMU without ids", [0, 1, 0x100], 0, []],
  ])("%s", (_, map, cells, ids) => {
    expect(idsOf(map, cells)).toEqual([{ path: "/smmu@1", ids }]);
  });

  test("a phandle that no node has ends the map, an entry cut short is refused", () => {
    expect(idsOf([0, 9, 0x4000, 0x100], 1)).toEqual([]);
    expect(() => idsOf([0, 1, 0x4000], 1)).toThrow(
      /byte \d+ .*: property iommu-map: the entry for \/smmu@1 is cut short/,
    );
  });

  test("holds for Layerscape's management complex as for a PCI host", () => {
    const mc: Tree = {
      compatible: "fsl,qoriq-mc",
      reg: [0x2000, 1],
      ranges: true,
      "iommu-map": [23, 1, 0, 0],
    };
    const facts = board({ "smmu@1": smmu(1), "fsl-mc@2000": mc });
    expect(master(facts, "/fsl-mc@2000")).toMatchObject({
      class: "net",
      iommus: [{ path: "/smmu@1", ids: [0] }],
    });
  });

  test("holds for PCI hosts only; another device's own is for its children", () => {
    const content = { "smmu@1": smmu(1), ...usb({ "iommu-map": [0, 1, 0x4000, 0x100] }) };
    expect(master(board(content), path).iommus).toEqual([]);
  });
});

describe("the IOMMUs of a board", () => {
  test("are all listed, with kind and whether they are enabled, and are no masters", () => {
    const facts = board({
      "a@1": smmu(1, { "dma-coherent": true }),
      "b@2": smmu(2, { compatible: ["qcom,sdm845-smmu-v2", "qcom,adreno-smmu", "qcom,smmu-v2"], ...off }),
      "c@3": { compatible: "arm,smmu-v3" },
      "d@4": smmu(4, { compatible: "acme,iommu" }),
      "e@5": { "#iommu-cells": 0 },
    });
    expect(facts.iommus).toEqual([
      { path: "/a@1", kind: "mmu-500", enabled: true },
      { path: "/b@2", kind: "adreno-smmu", enabled: false },
      { path: "/c@3", kind: "smmu-v3", enabled: true },
      { path: "/d@4", kind: "acme,iommu", enabled: true },
      { path: "/e@5", kind: "e", enabled: true },
    ]);
    expect(facts.masters).toEqual([]);
  });
});
