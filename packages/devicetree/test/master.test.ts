// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { board } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const bus = (children: Tree): Tree => ({ soc: { compatible: "simple-bus", ranges: true, ...children } });
const listed = (content: Tree): [string, string][] =>
  board(content).masters.map((one) => [one.path, one.class]);

describe("the masters of a tree", () => {
  test.each<[rule: string, content: Tree, expected: [string, string][]]>([
    ["known by compatible", bus({ "x@1": { compatible: "snps,dwc3", reg: [1, 1] } }), [["/soc/x@1", "usb"]]],
    [
      "known by generic name",
      bus({ "ethernet@1": { compatible: "acme,eth0", reg: [1, 1] } }),
      [["/soc/ethernet@1", "net"]],
    ],
    ["unknown, but it says iommus", bus({ "x@1": { iommus: true } }), [["/soc/x@1", "dma"]]],
    ["unknown, but it says dma-coherent", bus({ "x@1": { "dma-coherent": true } }), [["/soc/x@1", "dma"]]],
    [
      "unknown, but it says dma-noncoherent",
      bus({ "x@1": { "dma-noncoherent": true } }),
      [["/soc/x@1", "dma"]],
    ],
    ["unknown, nothing said", bus({ "x@1": { reg: [1, 1] } }), []],
    ["disabled", bus({ "usb@1": { reg: [1, 1], status: "disabled" } }), []],
    [
      "in a disabled bus",
      { soc: { ranges: true, status: "disabled", "usb@1": { reg: [1, 1], status: "okay" } } },
      [],
    ],
    ["without registers", bus({ gpu: { compatible: "brcm,bcm2711-vc5" } }), []],
    [
      "on a bus that is not memory mapped",
      bus({
        "mmc@1": {
          reg: [1, 1],
          "#address-cells": 1,
          "#size-cells": 0,
          "wifi@1": { compatible: "brcm,bcm4329-fmac", reg: [1] },
        },
      }),
      [["/soc/mmc@1", "storage"]],
    ],
    ["on a bus without ranges", { soc: { "usb@1": { reg: [1, 1] } } }, []],
    [
      "a bus that says dma-coherent is none",
      { soc: { ranges: true, "dma-coherent": true, "usb@1": { reg: [1, 1] } } },
      [["/soc/usb@1", "usb"]],
    ],
    [
      "a simple-bus that says dma-coherent is none",
      { usb: { compatible: "simple-bus", "dma-coherent": true } },
      [],
    ],
    [
      "an interrupt controller is none",
      bus({
        "interrupt-controller@1": {
          "dma-noncoherent": true,
          "msi-controller@2": { "dma-noncoherent": true },
        },
      }),
      [],
    ],
    [
      "another interrupt controller is none",
      bus({ "its@1": { "dma-noncoherent": true, "interrupt-controller": true } }),
      [],
    ],
    [
      "a subsystem that is an interrupt controller for its parts is one",
      bus({ "mdss@1": { compatible: "qcom,mdss", reg: [1, 1], "interrupt-controller": true } }),
      [["/soc/mdss@1", "display"]],
    ],
    [
      "glue and core of one class are the core",
      bus({
        "usb@1": {
          compatible: "xlnx,zynqmp-dwc3",
          reg: [1, 1],
          ranges: true,
          "usb@2": { compatible: "snps,dwc3", reg: [2, 1] },
        },
      }),
      [["/soc/usb@1/usb@2", "usb"]],
    ],
    [
      "glue with two cores is both",
      bus({
        "usb@1": {
          reg: [1, 1],
          ranges: true,
          "usb@2": { compatible: "snps,dwc3", reg: [2, 1] },
          "usb@3": { compatible: "snps,dwc2", reg: [3, 1] },
        },
      }),
      [
        ["/soc/usb@1/usb@2", "usb"],
        ["/soc/usb@1/usb@3", "usb"],
      ],
    ],
    [
      "glue whose core is disabled stays",
      bus({
        "usb@1": {
          compatible: "xlnx,zynqmp-dwc3",
          reg: [1, 1],
          ranges: true,
          "usb@2": { compatible: "snps,dwc3", reg: [2, 1], status: "disabled" },
        },
      }),
      [["/soc/usb@1", "usb"]],
    ],
    [
      "a node in one of another class is a master of its own",
      bus({
        "host1x@1": {
          compatible: "nvidia,tegra194-host1x",
          reg: [1, 1],
          ranges: true,
          "vic@2": { compatible: "nvidia,tegra194-vic", reg: [2, 1] },
        },
      }),
      [
        ["/soc/host1x@1", "dma"],
        ["/soc/host1x@1/vic@2", "2d"],
      ],
    ],
    [
      "PCI bridges are none, functions are",
      {
        "pcie@1": {
          device_type: "pci",
          reg: [1, 1],
          "#address-cells": 3,
          "#size-cells": 2,
          "pcie@0": { device_type: "pci", reg: [0, 0, 0, 0, 0], "ethernet@0": { reg: [0, 0, 0, 0, 0] } },
        },
      },
      [
        ["/pcie@1", "pcie"],
        ["/pcie@1/pcie@0/ethernet@0", "net"],
      ],
    ],
    ["a PHY is none", bus({ "phy@1": { compatible: "qcom,sdm845-qhp-pcie-phy", reg: [1, 1] } }), []],
    [
      "a DSP's context has no registers",
      bus({
        "remoteproc@1": {
          compatible: "qcom,sdm845-adsp-pas",
          reg: [1, 1],
          fastrpc: {
            "#address-cells": 1,
            "#size-cells": 0,
            "cb@1": { compatible: "qcom,fastrpc-compute-cb", reg: 1 },
          },
        },
      }),
      [["/soc/remoteproc@1/fastrpc/cb@1", "dsp"]],
    ],
    ["the root is none", { "dma-coherent": true }, []],
  ])("%s", (_, content, expected) => {
    expect(listed(content)).toEqual(expected);
  });

  test("what a class rests on is named", () => {
    const facts = board(bus({ "ethernet@1": { reg: [1, 1] }, "x@2": { "dma-coherent": true } }));
    expect(facts.assumed).toContain(
      "the class of these is taken from the name of the node: /soc/ethernet@1 (net)",
    );
    expect(facts.assumed).toContain("these are of no class that is known and count as dma: /soc/x@2");
  });

  test("a display inside its subsystem sits behind the subsystem's IOMMU, and that is named", () => {
    const facts = board({
      "smmu@9": { compatible: "arm,mmu-500", "#iommu-cells": 1, phandle: 1 },
      ...bus({
        "mdss@1": {
          compatible: "qcom,mdss",
          reg: [1, 1],
          ranges: true,
          iommus: [1, 0x880],
          "dpu@2": { compatible: "qcom,sdm845-dpu", reg: [2, 1] },
        },
        "usb@3": {
          compatible: "qcom,dwc3",
          reg: [3, 1],
          ranges: true,
          iommus: [1, 0x740],
          "usb@4": { compatible: "snps,dwc3", reg: [4, 1] },
        },
      }),
    });
    expect(facts.masters.map((one) => [one.path, one.iommus.map((use) => use.ids)])).toEqual([
      ["/soc/mdss@1/dpu@2", [[0x880]]],
      ["/soc/usb@3/usb@4", []],
    ]);
    expect(facts.assumed).toContain(
      "/soc/mdss@1/dpu@2: behind the IOMMU of /soc/mdss@1, which it is a part of",
    );
  });

  test("more masters than any board has are refused", () => {
    const many = Object.fromEntries(
      Array.from({ length: 257 }, (_, index) => [`x@${index}`, { "dma-coherent": true } as Tree]),
    );
    expect(() => board(many)).toThrow(/^test\.dtb: byte \d+ .*: more than 256 DMA masters$/);
  });
});
