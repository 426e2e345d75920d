// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { board, machine, machineMaster, master } from "./board-under-test.ts";
import { type Tree, u64 } from "./fdt-assembler.ts";

const usb: Tree = { compatible: "snps,dwc3", reg: [0x1000, 1] };
const GiB = 2 ** 30;

/** A device on `inner` on `outer` on the root; cells are one, the root's two, unless the properties say otherwise. */
const nested = (outer: Tree, inner: Tree): Tree => ({
  "#address-cells": 2,
  "#size-cells": 2,
  outer: {
    "#address-cells": 1,
    "#size-cells": 1,
    ranges: true,
    compatible: "simple-bus",
    ...outer,
    inner: { ranges: true, compatible: "simple-bus", ...inner, "usb@1000": usb },
  },
});
const path = "/outer/inner/usb@1000";

type Expected = { limit: number | null; offset: number };
const free: Expected = { limit: null, offset: 0 };

const rows: [rule: string, content: Tree, expected: Expected][] = [
  ["no dma-ranges anywhere: no constraint (-ENODEV)", nested({}, {}), free],
  [
    "the first non-empty one is used",
    nested({ "dma-ranges": [0, 0, 0, 0x8000_0000] }, { "dma-ranges": [0, 0, 0x4000_0000] }),
    { limit: GiB, offset: 0 },
  ],
  [
    "an empty one means 1:1, the search goes on",
    nested({ "dma-ranges": [0, 0, 0, 0x8000_0000] }, { "dma-ranges": true }),
    { limit: 2 * GiB, offset: 0 },
  ],
  [
    "the device's bus without one is passed as if it were empty",
    nested({ "dma-ranges": [0, 0, 0, 0x8000_0000] }, {}),
    { limit: 2 * GiB, offset: 0 },
  ],
  [
    "an ancestor without one after an empty one: no constraint",
    { ...nested({}, { "dma-ranges": true }), "dma-ranges": [0, 0, 0, 0, 0, 1] },
    free,
  ],
  [
    "empty ones up to the root: no constraint",
    { ...nested({ "dma-ranges": true }, { "dma-ranges": true }), "dma-ranges": true },
    free,
  ],
  [
    "one on the root cannot be translated: no constraint",
    { ...nested({ "dma-ranges": true }, { "dma-ranges": true }), "dma-ranges": [0, 0, 0, 0, 1, 0] },
    free,
  ],
  [
    "an offset is CPU minus bus",
    nested({ "dma-ranges": [0xc000_0000, 0, 0, 0x4000_0000] }, {}),
    { limit: GiB, offset: -0xc000_0000 },
  ],
  [
    "the parent's addresses are translated through enclosing windows",
    nested(
      { "dma-ranges": [0, 8, 0, 0x8000_0000] },
      { "dma-ranges": [0x4000_0000, 0x1000_0000, 0x1000_0000] },
    ),
    { limit: 0x8_2000_0000, offset: 0x7_d000_0000 },
  ],
  [
    "a missing one above the one used is 1:1",
    nested({}, { "dma-ranges": [0, 0x2000_0000, 0x1000_0000] }),
    { limit: 0x3000_0000, offset: 0x2000_0000 },
  ],
  [
    "windows that no enclosing window holds are dropped",
    nested(
      { "dma-ranges": [0, 8, 0, 0x1000_0000] },
      { "dma-ranges": [0, 0x9000_0000, 0x1000, 0x1000, 0, 0x1000] },
    ),
    { limit: 0x8_0000_1000, offset: 0x7_ffff_f000 },
  ],
  [
    "none left: no constraint (-EINVAL)",
    nested({ "dma-ranges": [0, 8, 0, 0x1000_0000] }, { "dma-ranges": [0, 0x9000_0000, 0x1000] }),
    free,
  ],
  [
    "the limit is the highest of several windows, the offset the first's",
    nested({ "dma-ranges": [0x1000, 4, 0, 0x1000, 0, 0, 0, 0x1000] }, {}),
    { limit: 0x4_0000_1000, offset: 0x3_ffff_f000 },
  ],
  [
    "the list ends at a window of no size",
    nested({ "dma-ranges": [0, 0, 0, 0x1000, 0x5000, 4, 0, 0, 0x9000, 8, 0, 0x1000] }, {}),
    { limit: 0x1000, offset: 0 },
  ],
  [
    "cell counts are inherited from the nearest ancestor that has them",
    nested({}, { "dma-ranges": [0, 0, 0x1000] }),
    { limit: 0x1000, offset: 0 },
  ],
  [
    "64-bit sizes",
    nested({ "#size-cells": 2, "dma-ranges": [0, 0, 0, 0x100, 0] }, {}),
    { limit: 2 ** 40, offset: 0 },
  ],
  [
    "a limit of 2^53 and above is null",
    nested({ "#size-cells": 2, "dma-ranges": [0, 0, 0, 0x20_0000, 0] }, {}),
    free,
  ],
  [
    "all of 64 bits is null",
    nested({ "#size-cells": 2, "dma-ranges": [0, 0, 0, 0xffffffff, 0xffffffff] }, {}),
    free,
  ],
];

describe("dma-ranges (of_dma_get_range, rules D-15 and D-16)", () => {
  test.each(rows)("%s", (_, content, expected) => {
    expect(master(board(content), path)).toMatchObject(expected);
  });

  test("contiguous entries are one window", () => {
    const facts = machine(nested({ "dma-ranges": [0, 0, 0, 0x1000, 0x1000, 0, 0x1000, 0x1000] }, {}));
    expect(machineMaster(facts, path).windows).toEqual([{ bus: 0, cpu: 0, size: 0x2000 }]);
  });

  test("windows that Linux cannot translate are named", () => {
    const facts = board(nested({ "dma-ranges": [0, 8, 0, 0x1000] }, { "dma-ranges": [0, 0x9000, 0x1000] }));
    expect(facts.assumed.join("\n")).toContain("no entry of the dma-ranges of /outer/inner gives a window");
  });

  test("dma-mem: the windows of the interconnect hold, not those of the bus around the device", () => {
    const content: Tree = {
      "#address-cells": 1,
      "#size-cells": 1,
      soc: {
        compatible: "simple-bus",
        ranges: true,
        "dma-ranges": [0, 0, 0x1000],
        "display@0": {
          compatible: "allwinner,sun8i-h3-de2-mixer-0",
          reg: [0, 1],
          interconnects: [1, 5],
          "interconnect-names": "dma-mem",
        },
        "usb@1000": usb,
      },
      // As sunxi's MBUS: the bus sits beside, and what it shows is RAM with an offset.
      "mbus@1c62000": { phandle: 1, "#interconnect-cells": 1, "dma-ranges": [0, 0x4000_0000, 0xc000_0000] },
    };
    const facts = board(content);
    expect(master(facts, "/soc/display@0")).toMatchObject({ limit: 2 ** 32, offset: 0x4000_0000 });
    expect(master(facts, "/soc/usb@1000")).toMatchObject({ limit: 0x1000, offset: 0 });
  });

  describe("PCI", () => {
    const host = (properties: Tree, children: Tree = {}): Tree => ({
      "#address-cells": 2,
      "#size-cells": 2,
      "pcie@4000": {
        compatible: "brcm,bcm2712-pcie",
        device_type: "pci",
        reg: [0, 0x4000, 0, 1],
        "#address-cells": 3,
        "#size-cells": 2,
        ...properties,
        ...children,
      },
    });
    const memory = 0x4300_0000;

    test("a host bridge's own dma-ranges holds for what sits behind it, its flags cell dropped", () => {
      const facts = board(host({ "dma-ranges": [memory, 0x10, 0, 0, 0, 0x10, 0] }));
      expect(master(facts, "/pcie@4000")).toMatchObject({ limit: 0x10_0000_0000, offset: -0x10_0000_0000 });
    });

    test("windows of different flags are not joined", () => {
      const facts = machine(
        host({ "dma-ranges": [memory, 0, 0, 0, 0, 0, 0x1000, 0x200_0000, 0, 0x1000, 0, 0x1000, 0, 0x1000] }),
      );
      expect(machineMaster(facts, "/pcie@4000").windows).toHaveLength(2);
    });

    test("a platform bus behind a function goes through the bridges, which pass flags and address on", () => {
      const bus: Tree = {
        compatible: "simple-bus",
        "#address-cells": 2,
        "#size-cells": 2,
        ranges: [0, 0x4000_0000, 1, 0, 0, 0, 0x40_0000],
        "dma-ranges": [...u64(0x10_0000_0000), memory, ...u64(0x10_0000_0000), ...u64(0x10_0000_0000)],
        "usb@40200000": { compatible: "snps,dwc3", reg: [0, 0x4020_0000, 0, 1] },
      };
      const facts = machine(
        host(
          {
            ranges: [0x200_0000, 0, 0, 0x1f, 0, 0, 0xffff_fffc],
            "dma-ranges": [0x200_0000, 0, 0, 0x1f, 0, 0, 0x40_0000, memory, 0x10, 0, 0, 0, 0x10, 0],
          },
          {
            "pci@0,0": {
              device_type: "pci",
              reg: [0, 0, 0, 0, 0],
              "#address-cells": 3,
              "#size-cells": 2,
              ranges: true,
              "dev@0,0": {
                compatible: "pci1de4,1",
                reg: [0x10000, 0, 0, 0, 0],
                "#address-cells": 3,
                "#size-cells": 2,
                ranges: [1, 0, 0, 0x8201_0000, 0, 0, 0, 0x40_0000],
                "pci-ep-bus@1": bus,
              },
            },
          },
        ),
      );
      const found = machineMaster(facts, "/pcie@4000/pci@0,0/dev@0,0/pci-ep-bus@1/usb@40200000");
      expect(found.windows).toEqual([{ bus: 0x10_0000_0000, cpu: 0, size: 0x10_0000_0000 }]);
      expect(found.base).toBe(0x1f_0020_0000);
      expect(facts.masters.map((one) => one.path)).toHaveLength(2);
    });
  });

  test.each<[what: string, content: Tree, reason: string]>([
    [
      "entries that are cut short",
      nested({ "dma-ranges": [0, 0, 0, 1, 0] }, {}),
      "20 bytes are no whole number of entries of 1 + 2 + 1 cells",
    ],
    [
      "absurd cell counts",
      nested({ "#address-cells": 0xffff_ffff, "dma-ranges": [0, 0, 0, 1] }, {}),
      "4294967295 cells; no address or size has more than 4",
    ],
    [
      "absurd size cells",
      nested({ "#size-cells": 5, "dma-ranges": [0, 0, 0, 1] }, {}),
      "5 cells; no address or size has more than 4",
    ],
    [
      "a cell count of two cells",
      nested({ "#size-cells": [1, 1], "dma-ranges": [0, 0, 0, 1] }, {}),
      "8 bytes where one cell is expected",
    ],
    [
      "absurdly many windows",
      nested({ "dma-ranges": new Array<number>(4 * 33).fill(1) }, {}),
      "more than 32 entries",
    ],
  ])("%s are refused with their offset", (_, content, reason) => {
    expect(() => board(content)).toThrow(reason);
    expect(() => board(content)).toThrow(/^test\.dtb: byte \d+ \(0x[0-9a-f]+\): property /);
  });

  test("entries of no cells are refused", () => {
    const none: Tree = {
      "#address-cells": 0,
      "#size-cells": 0,
      a: { "dma-ranges": [1], "gpu@0": { compatible: "arm,mali-t624", "dma-coherent": true } },
    };
    expect(() => board(none)).toThrow("its addresses and sizes are of 0 cells");
  });
});
