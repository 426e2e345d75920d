// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { describeBoard, describeMachine, readDeviceTree } from "../src/index.ts";
import { arm64, board, tree } from "./board-under-test.ts";
import { assemble, type Tree } from "./fdt-assembler.ts";

const small: Tree = {
  "#address-cells": 2,
  "#size-cells": 2,
  model: "Small",
  compatible: ["acme,small", "acme,soc"],
  cpus: arm64,
  "memory@0": { device_type: "memory", reg: [0, 0, 0, 0x8000_0000] },
  "reserved-memory": {
    "#address-cells": 2,
    "#size-cells": 2,
    ranges: true,
    "linux,cma": { compatible: "shared-dma-pool", reusable: true, size: [0, 0x1000_0000], phandle: 2 },
  },
  soc: {
    compatible: "simple-bus",
    ranges: true,
    "dma-ranges": [0, 0, 0, 0, 0, 0x4000_0000],
    "iommu@9000": { compatible: "arm,smmu-v3", "#iommu-cells": 1, phandle: 1 },
    "gpu@1000": { compatible: "arm,mali-t624", reg: [0, 0x1000, 0, 1], "dma-coherent": true, iommus: [1, 7] },
    "display@2000": { compatible: "arm,hdlcd", reg: [0, 0x2000, 0, 1], "memory-region": 2 },
  },
};

describe("a board", () => {
  const facts = describeBoard(tree(small));

  test("is the JSON of `dmabuf board`, what is absent null and never missing", () => {
    expect(facts).toEqual({
      schema: 1,
      model: "Small",
      compatible: ["acme,small", "acme,soc"],
      masters: [
        {
          path: "/soc/gpu@1000",
          class: "gpu",
          coherent: true,
          coherentFrom: "/soc/gpu@1000",
          iommus: [{ path: "/soc/iommu@9000", ids: [7] }],
          limit: 0x4000_0000,
          offset: 0,
          memoryRegions: [],
        },
        {
          path: "/soc/display@2000",
          class: "display",
          coherent: false,
          coherentFrom: null,
          iommus: [],
          limit: 0x4000_0000,
          offset: 0,
          memoryRegions: ["/reserved-memory/linux,cma"],
        },
      ],
      iommus: [{ path: "/soc/iommu@9000", kind: "smmu-v3", enabled: true }],
      pools: [{ path: "/reserved-memory/linux,cma", kind: "cma", base: null, size: 0x1000_0000 }],
      ram: [{ base: 0, size: 0x8000_0000 }],
      sharing: [
        {
          from: "/soc/gpu@1000",
          to: "/soc/display@2000",
          verdict: "bounce",
          why: [
            "/soc/display@2000 does not reach RAM at 0x40000000: allocate where it does, or it bounces",
            "the writer snoops the CPU's caches and the reader bypasses them: its port may leave the data in a cache, which then has to be cleaned; the device tree does not say whether it does",
          ],
        },
        {
          from: "/soc/display@2000",
          to: "/soc/gpu@1000",
          verdict: "bounce",
          why: [
            "/soc/display@2000 does not reach RAM at 0x40000000: allocate where it does, or it bounces",
            "the writer bypasses the CPU's caches and the reader snoops them: stale lines have to be invalidated in between",
          ],
        },
      ],
      assumed: [
        "1 of 2 masters say nothing of coherency: not coherent, the default of arm64",
        "enabled IOMMUs are taken as in use by their driver",
        "address masks, segment sizes and contiguity are the drivers'; limits here are those of dma-ranges alone",
      ],
    });
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });

  test("of nothing is empty, its model null", () => {
    const { model, compatible, masters, iommus, pools, ram, sharing } = board({});
    expect([model, compatible, masters, iommus, pools, ram, sharing]).toEqual([null, [], [], [], [], [], []]);
  });

  test("is the same for the same bytes", () => {
    const again = () => JSON.stringify(describeBoard(readDeviceTree(assemble(small), "x")));
    expect(again()).toBe(again());
  });
});

describe("a machine", () => {
  const facts = describeMachine(tree(small));

  test("has what a model needs beyond the board: registers, windows, CPUs", () => {
    expect(facts).toMatchObject({
      model: "Small",
      architecture: "arm64",
      cacheLine: null,
      cpus: [{ path: "/cpus/cpu@0", compatible: ["arm,cortex-a53"], id: 0 }],
      reserved: [],
    });
    expect(
      facts.masters.map(({ path, compatible, base, windows, translated }) => [
        path,
        compatible,
        base,
        windows?.length,
        translated,
      ]),
    ).toEqual([
      ["/soc/gpu@1000", ["arm,mali-t624"], 0x1000, 1, true],
      ["/soc/display@2000", ["arm,hdlcd"], 0x2000, 1, false],
    ]);
  });

  test("registers are translated through ranges; where a bus is not mapped there are none", () => {
    const found = describeMachine(
      tree({
        soc: {
          ranges: [0x7e00_0000, 0xfe00_0000, 0x100_0000],
          "usb@7e980000": { compatible: "snps,dwc2", reg: [0x7e98_0000, 1] },
        },
        i2c: { "x@1": { "dma-coherent": true, reg: [1, 1] } },
        away: { ranges: [0, 0, 16], "x@20": { "dma-coherent": true, reg: [0x20, 1] } },
        "short@1": { "dma-coherent": true, reg: new Uint8Array([0, 1]) },
      }),
    );
    expect(found.masters.map((one) => one.base)).toEqual([0xfe98_0000, null, null, null]);
  });

  test("an ISA bus and odd cells translate or give nothing, they never fail", () => {
    const found = describeMachine(
      tree({
        isa: {
          ranges: [1, 0x10, 0x9000, 0x10, 0, 0x10, 0x8000, 0x10],
          "x@10": { "dma-coherent": true, reg: [0, 0x14, 1] },
        },
        odd: { "#address-cells": 0, ranges: true, "y@1": { "dma-coherent": true, reg: 1 } },
        deep: {
          "#address-cells": 3,
          "#size-cells": 1,
          ranges: [5, 0, 0x10, 0x4000, 0x10],
          "z@1": { "dma-coherent": true, reg: [5, 0, 0x14, 1] },
          "w@1": { "dma-coherent": true, reg: [4, 0, 0x14, 1] },
        },
      }),
    );
    expect(found.masters.map((one) => [one.path, one.base])).toEqual([
      ["/isa/x@10", 0x8004],
      ["/odd/y@1", null],
      ["/deep/z@1", 0x4004],
      ["/deep/w@1", null],
    ]);
  });

  test("an offset of 2^53 and above is cut and named", () => {
    const found = describeMachine(
      tree({
        soc: {
          "#address-cells": 2,
          compatible: "simple-bus",
          ranges: [0, 0, 0, 0x1000],
          "dma-ranges": [0x8000_0000, 0, 0, 0x1000],
          "usb@0": { compatible: "snps,dwc3", reg: [0, 0, 1] },
        },
      }),
    );
    expect(found.masters[0]).toMatchObject({ limit: 0x1000, offset: -(2 ** 53) });
    expect(found.assumed.join()).toContain("/soc/usb@0: its offset of 2^53 or more is cut to that");
  });
});
