// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { arm64, board, master, riscv } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const soc = (properties: Tree, usb: Tree = {}): Tree => ({
  soc: {
    compatible: "simple-bus",
    ranges: true,
    ...properties,
    "usb@1000": { compatible: "snps,dwc3", reg: [0x1000, 1], ...usb },
  },
});
const usb = "/soc/usb@1000";

const rows: [rule: string, content: Tree, coherent: boolean, from: string | null][] = [
  ["nothing said: the default of arm64 is no", soc({}), false, null],
  ["nothing said: the default of riscv is yes", { ...soc({}), cpus: riscv }, true, null],
  ["nothing said and no CPU known: no", { ...soc({}), cpus: {} }, false, null],
  ["dma-coherent on the device", soc({}, { "dma-coherent": true }), true, usb],
  ["dma-coherent on the bus is inherited", soc({ "dma-coherent": true }), true, "/soc"],
  ["dma-coherent on the root is inherited", { "dma-coherent": true, ...soc({}) }, true, "/"],
  [
    "the nearest decides: noncoherent device on a coherent bus",
    soc({ "dma-coherent": true }, { "dma-noncoherent": true }),
    false,
    usb,
  ],
  [
    "the nearest decides: coherent device on a noncoherent bus",
    soc({ "dma-noncoherent": true }, { "dma-coherent": true }),
    true,
    usb,
  ],
  ["dma-noncoherent on riscv", { ...soc({ "dma-noncoherent": true }), cpus: riscv }, false, "/soc"],
  [
    "both on one node: coherent, it is asked first",
    soc({}, { "dma-coherent": true, "dma-noncoherent": true }),
    true,
    usb,
  ],
  ["any value of the property counts, it is a boolean", soc({}, { "dma-coherent": 0 }), true, usb],
];

describe("coherency (of_dma_is_coherent)", () => {
  test.each(rows)("%s", (_, content, coherent, from) => {
    expect(master(board(content), usb)).toMatchObject({ coherent, coherentFrom: from });
  });

  test("is inherited along the DMA parent, not along the tree parent, where dma-mem names another bus", () => {
    const content: Tree = {
      soc: {
        compatible: "simple-bus",
        ranges: true,
        "dma-coherent": true,
        "usb@1000": {
          compatible: "snps,dwc3",
          reg: [0x1000, 1],
          interconnects: [7, 1],
          "interconnect-names": "dma-mem",
        },
      },
      "mbus@2000": { phandle: 7, "#interconnect-cells": 1, "dma-noncoherent": true },
    };
    expect(master(board(content), usb)).toMatchObject({ coherent: false, coherentFrom: "/mbus@2000" });
  });

  test("a PCI function takes its host bridge's", () => {
    const pcie: Tree = {
      compatible: "pci-host-ecam-generic",
      device_type: "pci",
      reg: [0x4000, 1],
      "#address-cells": 3,
      "#size-cells": 2,
      "dma-coherent": true,
      "pcie@0": {
        device_type: "pci",
        reg: [0, 0, 0, 0, 0],
        "dma-noncoherent": true,
        "#address-cells": 3,
        "#size-cells": 2,
        "wifi@0": { compatible: "pci17cb,1107", reg: [0x10000, 0, 0, 0, 0] },
      },
    };
    const facts = board({ "pcie@4000": pcie });
    expect(facts.masters.map((one) => one.path)).toEqual(["/pcie@4000", "/pcie@4000/pcie@0/wifi@0"]);
    expect(facts.masters.map((one) => one.coherentFrom)).toEqual(["/pcie@4000", "/pcie@4000"]);
  });

  test("what rests on the default is named", () => {
    expect(board(soc({})).assumed).toContain(
      "1 of 1 masters say nothing of coherency: not coherent, the default of arm64",
    );
    expect(board({ ...soc({}), cpus: riscv }).assumed).toContain(
      "1 of 1 masters say nothing of coherency: coherent, the default of riscv",
    );
    expect(board({ ...soc({}), cpus: {} }).assumed.join()).toContain("the blob names no CPU that is known");
    expect(board({ ...soc({ "dma-coherent": true }), cpus: arm64 }).assumed.join()).not.toContain(
      "say nothing of coherency",
    );
    const power = { "cpu@0": { device_type: "cpu", compatible: "fsl,e500mc" } };
    expect(board({ ...soc({}), cpus: power }).assumed.join()).toContain(
      "coherent, the default of powerpc, unless",
    );
  });
});
