// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { tcrFields, vtcrFields } from "../../src/lpae/control-fields.ts";
import { chooseGranule } from "../../src/lpae/granule.ts";
import { lpaeConfig } from "../../src/lpae/lpae-config.ts";
import { lpaeLevels } from "../../src/lpae/lpae-levels.ts";
import { MAIR } from "../../src/lpae/memory-type.ts";
import { config } from "./config.ts";

describe("the walk begins where the Arm ARM says (D8.2), with as many descriptors as the address needs", () => {
  test.each([
    [1, "4KiB", 48, 0, 512],
    [1, "4KiB", 40, 0, 2],
    [1, "4KiB", 39, 1, 512],
    [1, "4KiB", 32, 1, 4],
    [1, "4KiB", 30, 2, 512],
    [1, "16KiB", 48, 0, 2],
    [1, "16KiB", 47, 1, 2048],
    [1, "16KiB", 36, 2, 2048],
    [1, "64KiB", 52, 1, 1024],
    [1, "64KiB", 48, 1, 64],
    [1, "64KiB", 42, 2, 8192],
    [1, "64KiB", 32, 2, 8],
  ] as const)(
    "stage %i, %s, %i bits: level %i, %i descriptors",
    (stage, granule, inputBits, start, entries) => {
      const [root] = lpaeLevels(config(stage, granule, { inputBits }));
      expect([root?.level, 2 ** (root?.bits ?? 0)]).toEqual([start, entries]);
    },
  );

  test.each([
    ["4KiB", 44, 0, 32],
    ["4KiB", 43, 1, 16 * 512],
    ["4KiB", 40, 1, 2 * 512],
    ["4KiB", 39, 1, 512],
    ["16KiB", 48, 1, 2 * 2048],
    ["64KiB", 48, 1, 64],
  ] as const)(
    "stage 2, %s, %i bits, with up to 16 tables in a row (M-22): level %i, %i descriptors",
    (...of) => {
      const [granule, inputBits, start, entries] = of;
      const [root] = lpaeLevels(config(2, granule, { inputBits }));
      expect([root?.level, 2 ** (root?.bits ?? 0)]).toEqual([start, entries]);
    },
  );

  test("and pages and blocks are of the sizes that the granule has (M-20)", () => {
    const sizes = (granule: "4KiB" | "16KiB" | "64KiB", outputBits = 48): number[] =>
      lpaeLevels(config(1, granule, { outputBits }))
        .filter(({ leaf }) => leaf)
        .map(({ shift }) => 2 ** shift);
    expect(sizes("4KiB")).toEqual([0x4000_0000, 0x20_0000, 0x1000]);
    expect(sizes("16KiB")).toEqual([0x200_0000, 0x4000]);
    expect(sizes("64KiB")).toEqual([0x2000_0000, 0x1_0000]);
    expect(sizes("64KiB", 52)).toEqual([0x400_0000_0000, 0x2000_0000, 0x1_0000]);
  });
});

describe("a domain's granule", () => {
  test.each([
    [["4KiB", "16KiB", "64KiB"], 0x1000, "4KiB"],
    [["64KiB", "4KiB"], 0x1_0000, "64KiB"],
    [["64KiB", "4KiB"], 0x4000, "4KiB"],
    [["64KiB", "16KiB"], 0x1000, "16KiB"],
    [[], 0x1000, null],
  ] as const)("of %j with a CPU page of %i is %s", (granules, pageSize, expected) => {
    expect(chooseGranule(granules, pageSize)).toBe(expected);
  });

  test("limits addresses to 48 bits, 52 with 64 KiB; wider ones and no granule are refused (M-21)", () => {
    const offer = { stage: 1, inputBits: 52, outputBits: 52, coherentWalk: true, pageSize: 0x1000 } as const;
    expect(lpaeConfig({ ...offer, granules: ["4KiB", "64KiB"] })).toMatchObject({
      granule: "4KiB",
      inputBits: 48,
      outputBits: 48,
    });
    expect(lpaeConfig({ ...offer, granules: ["64KiB"] })).toMatchObject({ inputBits: 52, outputBits: 52 });
    expect(() => lpaeConfig({ ...offer, granules: ["64KiB"], inputBits: 53 })).toThrow(/EINVAL.*53 bits/);
    expect(() => lpaeConfig({ ...offer, granules: ["4KiB"], outputBits: 39 })).toThrow(/EINVAL.*not 39/);
    expect(() => lpaeConfig({ ...offer, granules: [] })).toThrow(/EINVAL/);
  });
});

describe("the fields that tell the walker of the tables", () => {
  test("of stage 1 are TCR's", () => {
    expect(tcrFields(config(1))).toEqual({ tsz: 16, tg: 0, irgn: 1, orgn: 1, sh: 3, ps: 5 });
    const narrow = config(1, "64KiB", { inputBits: 32, outputBits: 40, coherentWalk: false });
    expect(tcrFields(narrow)).toEqual({ tsz: 32, tg: 1, irgn: 0, orgn: 0, sh: 2, ps: 2 });
    expect(tcrFields(config(1, "16KiB")).tg).toBe(2);
  });

  test.each([
    ["4KiB", 48, 2],
    ["4KiB", 40, 1],
    ["4KiB", 30, 0],
    ["16KiB", 48, 2],
    ["16KiB", 36, 1],
    ["64KiB", 48, 2],
    ["64KiB", 42, 1],
  ] as const)("of stage 2 with %s and %i bits have SL0 %i", (granule, inputBits, sl) => {
    expect(vtcrFields(config(2, granule, { inputBits }))).toMatchObject({ sl, tsz: 64 - inputBits });
  });

  test("are MAIR's attributes 0x44, 0xff, 0x04 and 0xf4 (M-27)", () => {
    expect(MAIR).toBe(0xf404_ff44);
  });
});
