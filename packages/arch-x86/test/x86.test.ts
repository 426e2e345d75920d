// SPDX-License-Identifier: MIT
import { type Arch, Extents } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { flushCost, type X86Options, x86 } from "../src/index.ts";

const arch = (options?: X86Options): Arch => x86(options).provides.arch?.() as Arch;
const page = Extents.of([0x1000, 0x2000]);
const directions = ["to-device", "from-device", "bidirectional"] as const;

test.each(directions)("A-20, G.7: the DMA API maintains nothing, %s", (direction) => {
  expect(arch().syncForDevice(page, direction)).toEqual([]);
  expect(arch().syncForCpu(page, direction)).toEqual([]);
});

test("A-20: a device is coherent whatever firmware says of it", () => {
  expect(arch().dmaDefaultCoherent).toBe(true);
  expect(arch().name).toBe("x86");
  expect(arch().cpuDomain).toBe("llc");
  expect(arch().domains).toEqual({ llc: { line: 64, speculates: true } });
});

test("A-24: write-combining buffers drain at a fence", () => {
  expect(arch().writeBarrier).toBe("sfence");
});

describe("A-22: what a driver flushes by itself", () => {
  test("is written back and dropped, in one go for all ranges", () => {
    const extents = Extents.each([0x2010, 0x1000], [0x2020, 0x1001]);
    expect(arch().driverFlush?.range(extents)).toEqual([{ kind: "flush", domain: "llc", extents }]);
  });

  test("line by line, costs by the instruction that the CPU has", () => {
    expect(arch().lineCost("flush", "llc")).toBe(flushCost.clflushopt);
    expect(arch({ clflushopt: false }).lineCost("flush", "llc")).toBe(flushCost.clflush);
    expect(flushCost.clflushopt).toBeGreaterThanOrEqual(flushCost.clflush / 9);
    expect(flushCost.clflushopt).toBeLessThan(flushCost.clflush);
  });

  test("all of it, costs by the size of the cache and not of memory", () => {
    const of = (llcSize: string) => arch({ llcSize }).driverFlush?.all;
    expect(of("8MiB")).toEqual({ domain: "llc", bytes: 8 * 2 ** 20, ns: 1_310_720 + 5000 });
    expect(of("2MiB")).toMatchObject({ bytes: 2 * 2 ** 20, ns: 327_680 + 5000 });
  });
});

describe("what x86 does not have", () => {
  test("is an invalidate of a range that writes nothing back", () => {
    expect(arch({ clwb: true }).lineCost("invalidate", "llc")).toBe(Number.POSITIVE_INFINITY);
  });

  test("is a clean, on CPUs without CLWB", () => {
    expect(arch().lineCost("clean", "llc")).toBe(Number.POSITIVE_INFINITY);
    expect(arch({ clwb: true }).lineCost("clean", "llc")).toBe(flushCost.clwb);
  });
});

describe("options", () => {
  test.each([0, 16, 48, 512, 64.5, Number.NaN])("no machine has lines of %d bytes", (line) => {
    expect(() => x86({ line })).toThrow(`x86: a cache line of ${line} bytes is not a power of two`);
  });

  test("a cache is some whole lines", () => {
    expect(() => x86({ llcSize: 0 })).toThrow(
      "x86: a last-level cache of 0 bytes is not made of lines of 64",
    );
    expect(() => x86({ llcSize: 100 })).toThrow("x86: a last-level cache of 100 bytes is not made of lines");
    expect(() => x86({ llcSize: "8 potatoes" })).toThrow(/^x86: llcSize: "8 potatoes" is not a size/);
  });

  test("a measured cost takes the place of the estimate, where there is the operation", () => {
    expect(arch({ lineCost: { flush: 42 } }).lineCost("flush", "llc")).toBe(42);
    expect(arch({ clwb: true, lineCost: { clean: 7 } }).lineCost("clean", "llc")).toBe(7);
    expect(() => x86({ lineCost: { flush: 0 } })).toThrow("x86: 0 ns for the flush of a line");
    expect(() => x86({ lineCost: { clean: 7 } })).toThrow("which takes clwb: true");
  });
});
