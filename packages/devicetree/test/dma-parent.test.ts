// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { DmaParents } from "../src/dma-parent.ts";
import { board, tree } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const device = (content: Tree): Tree => ({
  soc: { "dev@0": content },
  mc: { phandle: 1, "#interconnect-cells": 1 },
  emc: { phandle: 2, "#interconnect-cells": 0 },
});
const parentOf = (content: Tree): string | undefined => {
  const blob = tree(content);
  const node = blob.find("/soc/dev@0");
  return node === null ? "missing" : new DmaParents(blob).of(node)?.path;
};

describe("the DMA parent (__of_get_dma_parent)", () => {
  test.each<[rule: string, content: Tree, parent: string]>([
    ["is the tree parent", device({}), "/soc"],
    [
      "is the tree parent when no entry is named dma-mem",
      device({ interconnects: [1, 9], "interconnect-names": "read" }),
      "/soc",
    ],
    ["is the entry named dma-mem", device({ interconnects: [1, 9], "interconnect-names": "dma-mem" }), "/mc"],
    [
      "is found by counting entries, not pairs",
      device({ interconnects: [1, 9, 2], "interconnect-names": ["write", "dma-mem"] }),
      "/emc",
    ],
    [
      "is the tree parent when the entry is beyond the list",
      device({ interconnects: [1, 9], "interconnect-names": ["a", "b", "dma-mem"] }),
      "/soc",
    ],
    [
      "is the tree parent when no node has the phandle",
      device({ interconnects: [77, 9], "interconnect-names": "dma-mem" }),
      "/soc",
    ],
    [
      "is the tree parent when the list stops in front of it",
      device({ interconnects: [77, 1, 9], "interconnect-names": ["a", "dma-mem"] }),
      "/soc",
    ],
    ["is the tree parent when there is no list", device({ "interconnect-names": "dma-mem" }), "/soc"],
    [
      "is the tree parent when the entry is cut short",
      device({ interconnects: [1], "interconnect-names": "dma-mem" }),
      "/soc",
    ],
    [
      "is the tree parent when the entry is empty",
      device({ interconnects: [0], "interconnect-names": "dma-mem" }),
      "/soc",
    ],
  ])("%s", (_, content, parent) => {
    expect(parentOf(content)).toBe(parent);
  });

  test("the root has none", () => {
    const blob = tree({});
    expect(new DmaParents(blob).of(blob.root)).toBeNull();
  });

  test("a circle is an error at the interconnects that close it", () => {
    const named = (phandle: number): Tree => ({
      "#interconnect-cells": 0,
      interconnects: phandle,
      "interconnect-names": "dma-mem",
    });
    const content: Tree = {
      "usb@1000": { compatible: "snps,dwc3", reg: [0x1000, 1], ...named(1) },
      a: { phandle: 1, ...named(2) },
      b: { phandle: 2, ...named(1) },
    };
    const run = () => board({ cpus: {}, ...content });
    expect(run).toThrow(InputError);
    expect(run).toThrow(
      /^test\.dtb: byte \d+ \(0x[0-9a-f]+\): property interconnects: the DMA parents of \/usb@1000 run in a circle through \/a$/,
    );
  });

  test("a device that names its own child, or itself, is a circle too", () => {
    const loop = (target: Tree): Tree => ({
      "usb@1000": {
        compatible: "snps,dwc3",
        reg: [0x1000, 1],
        "#interconnect-cells": 0,
        interconnects: 3,
        "interconnect-names": "dma-mem",
        ...target,
      },
    });
    expect(() => board(loop({ phandle: 3 }))).toThrow("run in a circle through /usb@1000");
    expect(() => board(loop({ port: { phandle: 3, "#interconnect-cells": 0 } }))).toThrow("run in a circle");
  });
});
