// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { machine } from "./board-under-test.ts";

const cache = { compatible: "arm,pl310-cache", reg: [0xf8f0_2000, 0x1000], "cache-level": 2 };

test("a PL310 is an outer cache, wherever it is in the tree", () => {
  expect(machine({ axi: { "cache-controller@f8f02000": cache } }).outerCache).toEqual({
    path: "/axi/cache-controller@f8f02000",
    compatible: ["arm,pl310-cache"],
    ioCoherent: false,
  });
});

test("arm,io-coherent is passed on", () => {
  expect(machine({ cache: { ...cache, "arm,io-coherent": true } }).outerCache?.ioCoherent).toBe(true);
});

test("Linux does not ask for its status", () => {
  expect(machine({ cache: { ...cache, status: "disabled" } }).outerCache?.path).toBe("/cache");
});

test("a cache that the CPUs' instructions reach is none", () => {
  expect(machine({ cpus: { "l2-cache": { compatible: "cache", "cache-level": 2 } } }).outerCache).toBeNull();
  expect(machine({ l2: { compatible: "marvell,tauros3-cache" } }).outerCache).toBeNull();
});
