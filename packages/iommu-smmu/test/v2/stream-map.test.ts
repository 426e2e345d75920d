// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamMap } from "../../src/v2/stream-map.ts";
import { StreamMapping } from "../../src/v2/stream-mapping.ts";

const mapping = (count: number, mask = 0): { map: StreamMap; driver: StreamMapping } => {
  const map = new StreamMap(count);
  return { map, driver: new StreamMapping(map, 15, mask) };
};

/** An id as a two-cell `iommus` property says it. */
const masked = (id: number, mask: number): number => mask * 0x1_0000 + id;

describe("stream match registers", () => {
  test("match the bits that the mask leaves, and are read as VALID, MASK, ID", () => {
    const { map, driver } = mapping(4);
    expect(driver.allocate("eth", [0x874])).toEqual([0]);
    expect(driver.allocate("pci", [masked(0x480, 0x7f)])).toEqual([1]);
    expect([map.smr(0), map.smr(1), map.smr(2)]).toEqual([0x8000_0874, 0x807f_0480, 0]);
    expect([0x874, 0x480, 0x4d0, 0x4ff, 0x500, 0x875].map((stream) => map.find(stream))).toEqual([
      0, 1, 1, 1, -1, -1,
    ]);
  });

  test("lead to S2CRs: TYPE in 17:16, the bank in 7:0; after reset a fault", () => {
    const { map, driver } = mapping(3);
    driver.lead([0], { type: "translate", bank: 5 });
    driver.lead([1], { type: "bypass", memory: null });
    expect([map.s2cr(0), map.s2cr(1), map.s2cr(2)]).toEqual([5, 0x1_0000, 0x2_0000]);
  });

  test("are ENOSPC when none is left (M-60)", () => {
    const { driver } = mapping(2);
    driver.allocate("a", [1, 2]);
    expect(() => driver.allocate("b", [3])).toThrow(
      "iommu_probe_device: -ENOSPC: all 2 stream match registers are taken, none is left for b",
    );
    expect(driver.allocate("b", [2])).toEqual([1]);
  });

  test("are shared by what one of them matches already, the other way round that is EINVAL (M-60)", () => {
    const { driver } = mapping(8);
    expect(driver.allocate("wide", [masked(0x10, 0x7)])).toEqual([0]);
    expect(driver.allocate("one of those", [0x13])).toEqual([0]);
    expect(driver.allocate("some of those", [masked(0x14, 0x3)])).toEqual([0]);
    expect(() => driver.allocate("wider", [masked(0x10, 0xf)])).toThrow(
      "-EINVAL: wider's 0x10 mask 0xf and wide's 0x10 mask 0x7 match the same streams",
    );
    expect(() => driver.allocate("across", [masked(0x11, 0x8)])).toThrow(KernelError);
    expect(driver.allocate("beside", [masked(0x18, 0x7)])).toEqual([1]);
  });

  test("have as many bits as the SMMU's stream ids", () => {
    const { driver } = mapping(8);
    expect(() => driver.allocate("far", [0x8000])).toThrow("EINVAL: far's stream id 0x8000 is past 0x7fff");
    expect(() => driver.allocate("far", [masked(0, 0x8000)])).toThrow("mask 0x8000");
  });

  test("get the mask that the device tree has for all of them", () => {
    const { map, driver } = mapping(8, 0x7f80);
    expect(driver.allocate("a", [0x5])).toEqual([0]);
    expect(driver.allocate("b", [0x85])).toEqual([0]);
    expect(map.find(0x7f85)).toBe(0);
  });

  test("that the driver gives out never match one stream twice, whatever is asked for", () => {
    const id = fc.tuple(fc.nat(63), fc.nat(63)).map(([stream, mask]) => masked(stream, mask));
    fc.assert(
      fc.property(fc.array(id, { maxLength: 12 }), (ids) => {
        const { map, driver } = mapping(12);
        for (const each of ids) {
          try {
            const [index] = driver.allocate("x", [each]);
            // Each stream that was asked for leads to the register that was given.
            for (let stream = 0; stream < 64; stream++)
              if (((stream ^ each) & ~(each >>> 16) & 0xffff) === 0) expect(map.find(stream)).toBe(index);
          } catch (error) {
            expect((error as KernelError).errno).toBe("EINVAL");
          }
        }
        for (let stream = 0; stream < 64; stream++) expect(map.find(stream)).not.toBe(-2);
      }),
      { seed: 20261120, numRuns: 300 },
    );
  });
});
