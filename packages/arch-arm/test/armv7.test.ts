// SPDX-License-Identifier: MIT
import { type Arch, type CacheMaintenance, type DmaDirection, Extents } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { type Armv7Options, armv7, cortexA9LineCost, pl310, pl310LineCost } from "../src/index.ts";
import { lineOperations } from "./line-operation.ts";

const arch = (options?: Armv7Options): Arch => armv7(options).provides.arch?.() as Arch;
const outer = pl310();
const directions: readonly DmaDirection[] = ["to-device", "from-device", "bidirectional"];
const page = Extents.of([0x1000, 0x2000]);

/** `clean cpu`, in order. */
const words = (operations: readonly CacheMaintenance[]): string[] =>
  operations.map(({ kind, domain }) => `${kind} ${domain}`);
/** Line by line: `["cpu", "civac", 0x1000]`. */
const lines = (operations: readonly CacheMaintenance[]) =>
  operations.flatMap((operation) =>
    lineOperations([operation], 32).map(([instruction, line]) => [operation.domain, instruction, line]),
  );

describe("G.7: what happens by direction", () => {
  const expected: Readonly<Record<DmaDirection, readonly [forDevice: string, forCpu: string | null]>> = {
    "to-device": ["clean", null],
    "from-device": ["invalidate", "invalidate"],
    bidirectional: ["clean", "invalidate"],
  };
  test.each(directions)("%s", (direction) => {
    const [forDevice, forCpu] = expected[direction];
    expect(words(arch().syncForDevice(page, direction))).toEqual([`${forDevice} cpu`]);
    expect(words(arch().syncForCpu(page, direction))).toEqual(forCpu === null ? [] : [`${forCpu} cpu`]);
  });

  test.each(directions)(
    "A-11: %s with an outer cache: outwards for the device, inwards for the CPU",
    (direction) => {
      const [forDevice, forCpu] = expected[direction];
      expect(words(arch({ outer }).syncForDevice(page, direction))).toEqual([
        `${forDevice} cpu`,
        `${forDevice} l2`,
      ]);
      expect(words(arch({ outer }).syncForCpu(page, direction))).toEqual(
        forCpu === null ? [] : [`${forCpu} l2`, `${forCpu} cpu`],
      );
    },
  );
});

describe("line by line", () => {
  const shared = Extents.of([0x1010, 0x1070]);
  test("A-12: edges are cleaned and invalidated at both levels, the start's first", () => {
    expect(lines(arch({ outer }).syncForDevice(shared, "from-device"))).toEqual([
      ["cpu", "civac", 0x1000],
      ["cpu", "civac", 0x1060],
      ["cpu", "ivac", 0x1020],
      ["cpu", "ivac", 0x1040],
      ["l2", "civac", 0x1000],
      ["l2", "civac", 0x1060],
      ["l2", "ivac", 0x1020],
      ["l2", "ivac", 0x1040],
    ]);
    expect(lines(arch({ outer }).syncForCpu(shared, "bidirectional")).map(([domain]) => domain)).toEqual([
      ...new Array(4).fill("l2"),
      ...new Array(4).fill("cpu"),
    ]);
  });

  test("a range inside a line has it flushed for both ends, and nothing invalidated", () => {
    expect(lines(arch().syncForCpu(Extents.of([0x1008, 0x1018]), "from-device"))).toEqual([
      ["cpu", "civac", 0x1000],
      ["cpu", "civac", 0x1000],
    ]);
  });

  test("a range that begins a line and ends inside it has it flushed once", () => {
    expect(lines(arch().syncForCpu(Extents.of([0x1000, 0x1010]), "from-device"))).toEqual([
      ["cpu", "civac", 0x1000],
    ]);
  });

  test("a segment goes through both caches before the next one's turn", () => {
    const two = Extents.each([0x1000, 0x1030], [0x1010, 0x1040]);
    expect(lines(arch({ outer }).syncForDevice(two, "to-device"))).toEqual([
      ["cpu", "cvac", 0x1000],
      ["l2", "cvac", 0x1000],
      ["cpu", "cvac", 0x1020],
      ["l2", "cvac", 0x1020],
    ]);
  });

  test("A-12: a range of the outer cache's size and more goes by line on a PL310, not by way", () => {
    const large = Extents.of([0, 2 ** 20]);
    const operations = arch({ outer }).syncForDevice(large, "to-device");
    expect(operations.map(({ extents }) => extents)).toEqual([large, large]);
  });
});

describe("options", () => {
  test("the outer cache lies behind the CPUs' own", () => {
    expect(arch().domains).toEqual({ cpu: { line: 32, speculates: true } });
    expect(arch({ outer }).domains).toEqual({
      cpu: { line: 32, speculates: true, behind: "l2" },
      l2: { line: 32, speculates: true },
    });
    expect(arch({ outer: pl310({ exclusive: true }) }).domains["l2"]?.exclusive).toBe(true);
  });

  test("a line of the outer cache costs several times as much", () => {
    const both = arch({ outer });
    expect(both.lineCost("clean", "cpu")).toBe(cortexA9LineCost.clean);
    expect(both.lineCost("clean", "l2")).toBe(pl310LineCost.clean);
    expect(pl310LineCost.invalidate).toBeGreaterThan(4 * cortexA9LineCost.invalidate);
    expect(arch({ outer: pl310({ lineCost: { flush: 7 } }) }).lineCost("flush", "l2")).toBe(7);
    expect(both.lineCost("clean", "l3"), "a domain that it does not have").toBe(Number.POSITIVE_INFINITY);
  });

  test("what no machine has is one line", () => {
    expect(() => armv7({ line: 48 })).toThrow(
      "armv7: a cache line of 48 bytes is not a power of two from 16 to 2048",
    );
    expect(() => armv7({ line: 64, outer })).toThrow(
      "armv7: lines of 64 bytes before an outer cache of 32; both have one size",
    );
    expect(() => armv7({ lineCost: { clean: 0 } })).toThrow("armv7: 0 ns for the clean of a line");
    expect(() => pl310({ lineCost: { flush: Number.NaN } })).toThrow("pl310: NaN ns for the flush of a line");
  });

  test("a device is coherent only where the firmware says so", () => {
    expect(arch()).toMatchObject({ name: "armv7", cpuDomain: "cpu", dmaDefaultCoherent: false });
  });
});
