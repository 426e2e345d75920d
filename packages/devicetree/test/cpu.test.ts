// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { architectureOf } from "../src/architecture.ts";
import { machine, tree } from "./board-under-test.ts";
import type { Tree } from "./fdt-assembler.ts";

const cpu = (properties: Tree): Tree => ({ cpus: { "cpu@0": { device_type: "cpu", ...properties } } });

describe("the architecture", () => {
  test.each<[content: Tree, expected: string | null]>([
    [cpu({ compatible: "arm,cortex-a53" }), "arm64"],
    [cpu({ compatible: "arm,cortex-a510" }), "arm64"],
    [cpu({ compatible: "arm,neoverse-n1" }), "arm64"],
    [cpu({ compatible: "arm,armv8" }), "arm64"],
    [cpu({ compatible: ["nvidia,tegra194-carmel"] }), "arm64"],
    [cpu({ compatible: "qcom,oryon" }), "arm64"],
    [cpu({ compatible: "arm,cortex-a9" }), "arm"],
    [cpu({ compatible: "arm,cortex-a7" }), "arm"],
    [cpu({ compatible: "arm,cortex-a15" }), "arm"],
    [cpu({ compatible: ["marvell,pj4a", "marvell,sheeva-v7"] }), "arm"],
    [cpu({ compatible: "arm,arm1176jzf-s" }), "arm"],
    [cpu({ compatible: "qcom,krait" }), "arm"],
    [cpu({ compatible: "riscv" }), "riscv"],
    [cpu({ compatible: ["sifive,u74-mc", "riscv"] }), "riscv"],
    [cpu({ "riscv,isa": "rv64gc" }), "riscv"],
    [{ cpus: { "PowerPC,e500v2@0": { device_type: "cpu" } } }, "powerpc"],
    [cpu({ compatible: "acme,cpu" }), null],
    [cpu({ compatible: "riscv", status: "disabled" }), null],
    [{}, null],
  ])("of %j is %s", (content, expected) => {
    expect(architectureOf(tree(content))).toBe(expected);
  });
});

describe("the CPUs", () => {
  test("are listed with the cache line of the nearest level that gives one", () => {
    const facts = machine({
      cpus: {
        "#address-cells": 1,
        "#size-cells": 0,
        "cpu@0": { device_type: "cpu", compatible: "arm,cortex-a9", reg: 0, "d-cache-line-size": 32 },
        "cpu@1": { device_type: "cpu", compatible: "arm,cortex-a9", reg: 0x101, "next-level-cache": 1 },
        "cpu@2": { device_type: "cpu", compatible: "arm,cortex-a9" },
        "cpu@3": { device_type: "cpu", compatible: "arm,cortex-a9", status: "disabled" },
        "cpu-map": {},
        "l2-cache": { phandle: 1, "next-level-cache": 2 },
        "l3-cache": { phandle: 2, "cache-line-size": 64, "next-level-cache": 1 },
      },
    });
    expect(facts.cpus.map(({ path, id, cacheLine }) => [path, id, cacheLine])).toEqual([
      ["/cpus/cpu@0", 0, 32],
      ["/cpus/cpu@1", 0x101, 64],
      ["/cpus/cpu@2", null, null],
    ]);
    expect(facts.cacheLine).toBe(64);
    expect(machine({}).cacheLine).toBeNull();
  });

  test("caches that name each other in a circle end the search", () => {
    const facts = machine({
      cpus: {
        "cpu@0": { device_type: "cpu", "next-level-cache": 1 },
        a: { phandle: 1, "next-level-cache": 2 },
        b: { phandle: 2, "l2-cache": 1 },
      },
    });
    expect(facts.cpus[0]?.cacheLine).toBeNull();
  });
});
