// SPDX-License-Identifier: MIT
import { type Arch, type DmaDirection, Extents } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { type Arm64Options, arm64, cortexA53LineCost } from "../src/index.ts";
import { type LineOperation, lineOperations } from "./line-operation.ts";

const arch = (options?: Arm64Options): Arch => arm64(options).provides.arch?.() as Arch;
const directions: readonly DmaDirection[] = ["to-device", "from-device", "bidirectional"];

const forDevice = (start: number, length: number, direction: DmaDirection): LineOperation[] =>
  lineOperations(arch().syncForDevice(Extents.of([start, start + length]), direction), 64);
const forCpu = (start: number, length: number, direction: DmaDirection): LineOperation[] =>
  lineOperations(arch().syncForCpu(Extents.of([start, start + length]), direction), 64);

describe("line by line", () => {
  test.each(directions)("OA-20: for the device, %s, every touched line is cleaned", (direction) => {
    expect(forDevice(0x1010, 0x70, direction)).toEqual([
      ["cvac", 0x1000],
      ["cvac", 0x1040],
    ]);
  });

  test.each(["from-device", "bidirectional"] as const)(
    "OA-21: for the CPU, %s, a line shared at the start is cleaned as well",
    (direction) => {
      expect(forCpu(0x1010, 0x70, direction)).toEqual([
        ["civac", 0x1000],
        ["ivac", 0x1040],
      ]);
    },
  );

  test("OA-22: for the CPU, to-device, nothing", () => {
    expect(forCpu(0x1010, 0x70, "to-device")).toEqual([]);
  });

  test("OA-23: a line shared at the end comes first", () => {
    expect(forCpu(0x1000, 0x50, "from-device")).toEqual([
      ["civac", 0x1040],
      ["ivac", 0x1000],
    ]);
  });

  test("OA-24: a range inside a line has its line flushed for both ends", () => {
    expect(forCpu(0x1008, 0x10, "from-device")).toEqual([
      ["civac", 0x1000],
      ["civac", 0x1000],
    ]);
  });

  test("OA-25: a range that begins a line and ends inside it has the line flushed, then invalidated", () => {
    expect(forCpu(0x1000, 0x20, "from-device")).toEqual([
      ["civac", 0x1000],
      ["ivac", 0x1000],
    ]);
  });

  test("G.7: what happens by direction", () => {
    const extents = Extents.of([0x1000, 0x2000]);
    const kinds = (operations: readonly { readonly kind: string }[]): string[] =>
      operations.map(({ kind }) => kind);
    for (const direction of directions) {
      expect(kinds(arch().syncForDevice(extents, direction))).toEqual(["clean"]);
      expect(kinds(arch().syncForCpu(extents, direction))).toEqual(
        direction === "to-device" ? [] : ["invalidate"],
      );
    }
  });
});

describe("a scatterlist", () => {
  test("of whole lines is one operation on the list itself", () => {
    const extents = Extents.each([0x8000, 0x2000, 0x3000], [0x9000, 0x3000, 0x3040]);
    expect(arch().syncForDevice(extents, "to-device")).toEqual([{ kind: "clean", domain: "cpu", extents }]);
    const [operation] = arch().syncForCpu(extents, "from-device");
    expect(operation?.kind).toBe("invalidate");
    expect(operation?.extents).toBe(extents);
  });

  test("with parts of lines goes entry by entry, so that two entries in a line have it done twice", () => {
    const extents = Extents.each([0x2000, 0x2020], [0x2020, 0x2040]);
    expect(lineOperations(arch().syncForDevice(extents, "to-device"), 64)).toEqual([
      ["cvac", 0x2000],
      ["cvac", 0x2000],
    ]);
    expect(lineOperations(arch().syncForCpu(extents, "from-device"), 64)).toEqual([
      ["civac", 0x2000],
      ["ivac", 0x2000],
      ["civac", 0x2000],
    ]);
  });
});

describe("options", () => {
  test("A-5: the line decides what is whole", () => {
    const extents = Extents.of([0x1040, 0x1080]);
    expect(lineOperations(arch({ line: 128 }).syncForCpu(extents, "from-device"), 128)).toEqual([
      ["civac", 0x1000],
    ]);
    expect(arch({ line: 128 }).domains).toEqual({ cpu: { line: 128, speculates: true } });
    expect(arch().domains).toEqual({ cpu: { line: 64, speculates: true } });
  });

  test.each([0, 8, 48, 4096, 64.5, Number.NaN])("no machine has lines of %d bytes", (line) => {
    expect(() => arm64({ line })).toThrow(`arm64: a cache line of ${line} bytes is not a power of two`);
  });

  test("the cost of a line is the estimate unless it is said", () => {
    const measured = arch({ lineCost: { clean: 20 } });
    expect(measured.lineCost("clean", "cpu")).toBe(20);
    expect(measured.lineCost("invalidate", "cpu")).toBe(cortexA53LineCost.invalidate);
    expect(() => arm64({ lineCost: { flush: 0 } })).toThrow("arm64: 0 ns for the flush of a line");
    expect(() => arm64({ lineCost: { flush: Number.POSITIVE_INFINITY } })).toThrow("Infinity ns");
  });

  test("the estimate makes one flush cheaper than a clean and an invalidate", () => {
    const { clean, invalidate, flush } = cortexA53LineCost;
    expect(flush).toBeLessThan(clean + invalidate);
    expect(flush).toBeGreaterThan(Math.max(clean, invalidate));
  });
});

test("A-7: a device is coherent only where the firmware says so", () => {
  expect(arch().dmaDefaultCoherent).toBe(false);
  expect(arch().name).toBe("arm64");
  expect(arch().cpuDomain).toBe("cpu");
});
