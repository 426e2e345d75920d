// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CpuAddr,
  type DmaDirection,
  Extents,
  type PhysAddr,
  type VirtualCache,
} from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { type Armv5Options, arm926LineCost, armv5 } from "../src/index.ts";
import { lineOperations } from "./line-operation.ts";

const arch = (options?: Armv5Options): Arch => armv5(options).provides.arch?.() as Arch;
const cache = (options?: Armv5Options): VirtualCache => arch(options).virtualCache as VirtualCache;
const directions: readonly DmaDirection[] = ["to-device", "from-device", "bidirectional"];

test.each([
  ["to-device", "clean"],
  ["from-device", "invalidate"],
  ["bidirectional", "flush"],
] as const)("G.7: %s is %s for the device and nothing for the CPU", (direction, kind) => {
  const extents = Extents.of([0x1000, 0x2000]);
  expect(arch().syncForDevice(extents, direction)).toEqual([{ kind, domain: "cpu", extents }]);
  expect(arch().syncForCpu(extents, direction)).toEqual([]);
});

test("A-10: shared lines are cleaned at both ends before all are invalidated", () => {
  expect(lineOperations(arch().syncForDevice(Extents.of([0x1010, 0x1050]), "from-device"), 32)).toEqual([
    ["cvac", 0x1000],
    ["cvac", 0x1040],
    ["ivac", 0x1000],
    ["ivac", 0x1020],
    ["ivac", 0x1040],
  ]);
});

test("A-10: nothing is fetched that nobody asked for", () => {
  for (const { speculates } of Object.values(arch().domains)) expect(speculates).toBe(false);
});

describe("A-15: colours", () => {
  const at = (options: Armv5Options, virtual: number, physical: number): string =>
    cache(options).domainAt(virtual as CpuAddr, physical as PhysAddr);

  test("are counted from the linear map's, wherever the page is", () => {
    const options = { colours: 4, tags: "physical" } as const;
    expect([0, 1, 2, 3, 4].map((pages) => at(options, 0xf000_0000 + pages * 4096, 0x3000_0000))).toEqual([
      "cpu",
      "cpu-alias-1",
      "cpu-alias-2",
      "cpu-alias-3",
      "cpu",
    ]);
    expect(at(options, 0x1000, 0x2000), "below the physical address").toBe("cpu-alias-3");
  });

  test("do not help where tags are virtual: every address but the linear one is an alias", () => {
    expect(at({ colours: 2 }, 0xf000_0000, 0x3000_0000)).toBe("cpu-alias-0");
    expect(Object.keys(arch().domains)).toEqual(["cpu", "cpu-alias-0", "cpu-alias-1"]);
    expect(Object.keys(arch({ colours: 1 }).domains)).toEqual(["cpu", "cpu-alias-0"]);
  });

  test("one colour and physical tags have no alias", () => {
    expect(Object.keys(arch({ colours: 1, tags: "physical" }).domains)).toEqual(["cpu"]);
    expect(at({ colours: 1, tags: "physical" }, 0x7000, 0x2000)).toBe("cpu");
  });

  test("both calls for a vmap write back and drop", () => {
    const extents = Extents.of([0x1000, 0x2000]);
    const flush = [{ kind: "flush", domain: "cpu-alias-1", extents }];
    expect(cache().flushVmapRange("cpu-alias-1", extents)).toEqual(flush);
    expect(cache().invalidateVmapRange("cpu-alias-1", extents)).toEqual(flush);
  });

  test("the DMA API works by the linear map's addresses, so it misses aliases", () => {
    for (const direction of directions) {
      for (const { domain } of arch().syncForDevice(Extents.of([0x1010, 0x1050]), direction))
        expect(domain).toBe("cpu");
    }
  });
});

test("what no machine has is one line", () => {
  expect(() => armv5({ line: 128 })).toThrow(
    "armv5: a cache line of 128 bytes is not a power of two from 16 to 64",
  );
  expect(() => armv5({ colours: 3 })).toThrow("armv5: 3 colours; a cache has 1, 2 or 4");
  expect(() => armv5({ tags: "vivt" as "virtual" })).toThrow(
    'armv5: tags "vivt" are neither "virtual" nor "physical"',
  );
  expect(() => armv5({ lineCost: { clean: -1 } })).toThrow("armv5: -1 ns for the clean of a line");
  expect(arch().lineCost("flush", "cpu-alias-1")).toBe(arm926LineCost.flush);
  expect(arch()).toMatchObject({ name: "armv5", cpuDomain: "cpu", dmaDefaultCoherent: false });
});
