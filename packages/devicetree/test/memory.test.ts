// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { board } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const two: Tree = { "#address-cells": 2, "#size-cells": 2 };

describe("RAM (early_init_dt_scan_memory)", () => {
  test.each<[rule: string, content: Tree, ram: unknown]>([
    [
      "all ranges of all memory nodes of the root",
      {
        ...two,
        "memory@0": { device_type: "memory", reg: [0, 0, 0, 0x8000_0000, 8, 0, 0, 0x8000_0000] },
        "memory@1": { device_type: "memory", reg: [9, 0, 0, 1] },
      },
      [
        { base: 0, size: 0x8000_0000 },
        { base: 0x8_0000_0000, size: 0x8000_0000 },
        { base: 0x9_0000_0000, size: 1 },
      ],
    ],
    [
      "without cell counts they are one",
      { memory: { device_type: "memory", reg: [0x4000_0000, 0x1000] } },
      [{ base: 0x4000_0000, size: 0x1000 }],
    ],
    [
      "entries of no size are left to the boot loader",
      { memory: { device_type: "memory", reg: [0x8000_0000, 0, 0x9000_0000, 16] } },
      [{ base: 0x9000_0000, size: 16 }],
    ],
    ["a disabled node is none", { memory: { device_type: "memory", reg: [0, 1], status: "disabled" } }, []],
    ["a node of another type is none", { "memory@0": { reg: [0, 1] } }, []],
    ["only children of the root", { soc: { memory: { device_type: "memory", reg: [0, 1] } } }, []],
    [
      "linux,usable-memory comes first",
      { memory: { device_type: "memory", reg: [0, 0x2000], "linux,usable-memory": [0, 0x1000] } },
      [{ base: 0, size: 0x1000 }],
    ],
    ["a memory node without reg is none", { memory: { device_type: "memory" } }, []],
    [
      "2^53 and above is cut to it",
      { ...two, memory: { device_type: "memory", reg: [0, 0, 0x4000_0000, 0] } },
      [{ base: 0, size: 2 ** 53 }],
    ],
  ])("%s", (_, content, ram) => {
    expect(board(content).ram).toEqual(ram);
  });

  test("a board without RAM says so", () => {
    expect(board({}).assumed).toContain("the blob gives no RAM; limits are not compared with it");
    expect(board({ memory: { device_type: "memory", reg: [0, 1] } }).assumed.join()).not.toContain(
      "gives no RAM",
    );
  });

  test("a reg that is no whole number of entries is refused with its offset", () => {
    expect(() => board({ memory: { device_type: "memory", reg: [0, 1, 2] } })).toThrow(
      /^test\.dtb: byte \d+ .*: property reg: 12 bytes are no whole number of entries of 1 \+ 1 cells$/,
    );
    expect(() =>
      board({ "#address-cells": 0, "#size-cells": 0, memory: { device_type: "memory", reg: 1 } }),
    ).toThrow("0 + 0 cells");
  });
});
