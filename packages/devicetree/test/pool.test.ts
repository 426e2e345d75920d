// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { board, machine, machineMaster, master } from "./board-under-test.ts";
import { type Tree, u64 } from "./fdt-assembler.ts";

const reserved = (children: Tree): Tree => ({
  "reserved-memory": { "#address-cells": 2, "#size-cells": 2, ranges: true, ...children },
});
const pool = "shared-dma-pool";

describe("reserved memory", () => {
  const content = reserved({
    "fw@1000": { reg: [0, 0x1000, 0, 0x1000], "no-map": true },
    "linux,cma": { compatible: pool, reusable: true, size: u64(2 ** 33), "linux,cma-default": true },
    "dsp@8000": { compatible: pool, "no-map": true, reg: [8, 0, 0, 0x10000], phandle: 1 },
    "split@9000": { reg: [0, 0x9000, 0, 1, 0, 0xb000, 0, 2], phandle: 2 },
    "wifi@c000": { compatible: "restricted-dma-pool", reg: [0, 0xc000, 0, 0x1000], phandle: 3 },
    "off@d000": { reg: [0, 0xd000, 0, 1], status: "disabled", phandle: 4 },
    empty: {},
  });

  test("is listed by kind, in document order; what Linux places at boot has no base", () => {
    expect(board(content).pools).toEqual([
      { path: "/reserved-memory/fw@1000", kind: "carve-out", base: 0x1000, size: 0x1000 },
      { path: "/reserved-memory/linux,cma", kind: "cma", base: null, size: 2 ** 33 },
      { path: "/reserved-memory/dsp@8000", kind: "coherent-pool", base: 0x8_0000_0000, size: 0x10000 },
      { path: "/reserved-memory/split@9000", kind: "carve-out", base: 0x9000, size: 1 },
      { path: "/reserved-memory/split@9000", kind: "carve-out", base: 0xb000, size: 2 },
      { path: "/reserved-memory/wifi@c000", kind: "restricted", base: 0xc000, size: 0x1000 },
    ]);
  });

  test("a master names its regions; disabled ones do not count", () => {
    const usb = { compatible: "snps,dwc3", reg: [0x1000, 1], "memory-region": [1, 4, 2] };
    const facts = board({ ...content, "usb@1000": usb });
    expect(master(facts, "/usb@1000").memoryRegions).toEqual([
      "/reserved-memory/dsp@8000",
      "/reserved-memory/split@9000",
    ]);
  });

  test("a region in reserved memory is no master, whatever its name", () => {
    expect(board(reserved({ "gpu@1000": { reg: [0, 0x1000, 0, 1] } })).masters).toEqual([]);
  });

  test("a restricted pool takes all DMA of a master without IOMMU (D-16)", () => {
    const usb = { compatible: "snps,dwc3", reg: [0x1000, 1], "memory-region": [3] };
    const facts = { ...content, "usb@1000": usb, "usb@2000": { compatible: "snps,dwc3", reg: [0x2000, 1] } };
    expect(machineMaster(machine(facts), "/usb@1000").restrictedTo).toBe("/reserved-memory/wifi@c000");
    expect(board(facts).sharing.map((one) => one.verdict)).toEqual(["bounce", "bounce"]);
  });

  test("a reg that is no whole number of entries is refused", () => {
    expect(() => board(reserved({ "a@1": { reg: [1, 2, 3] } }))).toThrow(
      "12 bytes are no whole number of entries of 2 + 2 cells",
    );
  });
});
