// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/error.ts";
import type { MemoryDescription } from "../../src/memory/memory-description.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";

const GiB = 2 ** 30;
const ram = [
  { base: 0, size: "2GiB" },
  { base: 0x8_0000_0000, size: "2GiB" },
];
const zynq: MemoryDescription = {
  ram,
  reserved: [
    { name: "rproc", base: 0x3ed0_0000, size: "256KiB", kind: "no-map" },
    { name: "ramoops", base: 0x1000_0000, size: "1MiB", kind: "ram" },
    { name: "secure", base: 0x7_0000_0000, size: "64KiB", kind: "no-map" },
  ],
  cma: [{ name: "linux,cma", size: "256MiB" }],
  device: [
    { name: "usb0", base: 0xfe20_0000, size: 0x4_0000, kind: "mmio" },
    { name: "vram", base: 0x60_0000_0000, size: "16MiB", kind: "device", structPages: true },
  ],
};

describe("regions", () => {
  const memory = new PhysicalMemory(zynq);

  test("lie in ascending order, RAM in the pieces that reservations and pools leave", () => {
    expect(memory.regions.map(({ name, base, size }) => [name, base, base + size])).toEqual([
      ["System RAM", 0, 0x1000_0000],
      ["ramoops", 0x1000_0000, 0x1010_0000],
      ["System RAM", 0x1010_0000, 0x3ed0_0000],
      ["rproc", 0x3ed0_0000, 0x3ed4_0000],
      ["System RAM", 0x3ed4_0000, 0x7000_0000],
      ["linux,cma", 0x7000_0000, 0x8000_0000],
      ["usb0", 0xfe20_0000, 0xfe24_0000],
      ["secure", 0x7_0000_0000, 0x7_0001_0000],
      ["System RAM", 0x8_0000_0000, 0x8_8000_0000],
      ["vram", 0x60_0000_0000, 0x60_0100_0000],
    ]);
    expect(memory.ramEnd).toBe(0x8_8000_0000);
  });

  test.each([
    [0x0, "ram", true, true],
    [0x100f_ffff, "ram", true, true],
    [0x3ed0_0000, "no-map", false, false],
    [0x7000_0000, "ram", true, true],
    [0xfe20_0000, "mmio", false, false],
    [0x7_0000_ffff, "no-map", false, false],
    [0x60_0000_0000, "device", true, false],
  ])("0x%s is %s", (address, kind, structPages, linearMap) => {
    expect(memory.regionAt(address)).toMatchObject({ kind, structPages, linearMap });
  });

  test.each([0x8000_0000, 0xfe24_0000, 0x8_8000_0000, 2 ** 52])("0x%s is nothing", (address) => {
    expect(memory.regionAt(address)).toBe(undefined);
  });

  test("what is no address is a mistake", () => {
    expect(() => memory.regionAt(-1)).toThrow(TypeError);
    expect(() => memory.regionAt(Number.NaN)).toThrow(TypeError);
  });

  test("banks that touch become one, and a reservation may lie across them", () => {
    const joined = new PhysicalMemory({
      ram: [
        { base: 0x4000_0000, size: "1GiB" },
        { base: 0, size: "1GiB" },
      ],
      reserved: [{ name: "fb", base: 0x3ff0_0000, size: "2MiB", kind: "no-map" }],
    });
    expect(joined.regions.map(({ name }) => name)).toEqual(["System RAM", "fb", "System RAM"]);
  });
});

describe("allocators", () => {
  test("own exactly the RAM that is neither reserved nor in a pool", () => {
    const memory = new PhysicalMemory(zynq);
    const pages = 0x8000_0000 / 4096;
    expect(memory.pages.freePageCount("normal")).toBe(pages);
    expect(memory.pages.freePageCount("dma32")).toBe(pages - 64 - 256 - 65536);
    expect(memory.cma.get("linux,cma")?.freePages).toBe(65536);
  });

  test("hand out nothing outside System RAM", () => {
    const memory = new PhysicalMemory({ ...zynq, ram: [{ base: 0, size: "1GiB" }], device: [] });
    let count = 0;
    for (let at = memory.pages.allocatePages(6); at !== null; at = memory.pages.allocatePages(6)) {
      const region = memory.regionAt(at);
      expect(region?.name).toBe("System RAM");
      expect(at + 64 * 4096).toBeLessThanOrEqual((region?.base ?? 0) + (region?.size ?? 0));
      count++;
    }
    expect(count).toBe((GiB - 2 ** 20 - 2 ** 28) / 2 ** 18 - 1);
  });

  test("a pool without a base gets the highest place below its limit, 4 GiB when none is said", () => {
    const base = (limit?: number) => {
      const pool = { name: "cma", size: "16MiB" };
      const memory = new PhysicalMemory({ ram, cma: [limit === undefined ? pool : { ...pool, limit }] });
      return memory.cma.get("cma")?.base;
    };
    expect(base()).toBe(0x7f00_0000);
    expect(base(0x4000_0000)).toBe(0x3f00_0000);
    expect(base(0x9_0000_0000)).toBe(0x8_7f00_0000);
    expect(base(0x4010_0000)).toBe(0x3f00_0000);
  });

  test("a pool is placed in one zone and around those with a base, whatever the order", () => {
    const memory = new PhysicalMemory({
      ram: [{ base: 0x8000_0000, size: "4GiB" }],
      cma: [
        { name: "any", size: "32MiB", limit: 0x1_0100_0000 },
        { name: "fixed", base: 0xfe00_0000, size: "32MiB" },
      ],
    });
    expect([...memory.cma.values()].map(({ name, base }) => [name, base])).toEqual([
      ["any", 0xfc00_0000],
      ["fixed", 0xfe00_0000],
    ]);
  });

  test("scattering is an option", () => {
    const plain = new PhysicalMemory({ ram });
    const scattered = new PhysicalMemory({ ram }, { scatter: { seed: 1 } });
    expect(plain.pages.allocatePages(0)).toBe(0x8_0000_0000);
    expect(scattered.pages.allocatePages(0)).not.toBe(0x8_0000_0000);
  });
});

describe("bad input is one line that names the entry", () => {
  const region = (base: number, size: number | string, name = "x") => ({ name, base, size });
  test.each<[string, MemoryDescription, string]>([
    ["no RAM", { ram: [] }, "memory.ram: a machine needs RAM"],
    [
      "overlapping banks",
      { ram: [...ram, { base: 0x7000_0000, size: "1GiB" }] },
      "memory.ram[2]: RAM [0x70000000, 0xb0000000) overlaps System RAM in [0x70000000, 0x80000000)",
    ],
    [
      "a base inside a page",
      { ram: [{ base: 0x800, size: "1MiB" }] },
      "memory.ram[0]: base 0x800 is not a multiple of the page size 4096",
    ],
    [
      "a size inside a page",
      { ram: [{ base: 0, size: 4095 }] },
      "memory.ram[0]: size 4095 is not a multiple of the page size 4096",
    ],
    ["a size of nothing", { ram: [{ base: 0, size: 0 }] }, "memory.ram[0]: size is 0"],
    ["a negative base", { ram: [{ base: -4096, size: 4096 }] }, "memory.ram[0]: base 0x-1000 is not"],
    [
      "an endless base",
      { ram: [{ base: Number.POSITIVE_INFINITY, size: 4096 }] },
      "memory.ram[0]: base 0xInfinity",
    ],
    ["an end past 2^53", { ram: [{ base: 2 ** 53 - 4096, size: 4096 }] }, "is too large"],
    [
      "an absurd size",
      { ram: [{ base: 0, size: "5TiB" }] },
      "memory.ram[0]: more than 4 TiB of RAM in one machine",
    ],
    [
      "a size that is none",
      { ram: [{ base: 0, size: "1 parsec" }] },
      'memory.ram[0]: "1 parsec" is not a size',
    ],
    [
      "reservations that overlap",
      {
        ram,
        reserved: [
          { ...region(0x1000_0000, "2MiB", "a"), kind: "no-map" },
          { ...region(0xff0_0000, "2MiB", "b"), kind: "no-map" },
        ],
      },
      "memory.reserved[1]: b [0xff00000, 0x10100000) overlaps a in [0x10000000, 0x10100000)",
    ],
    [
      "a reservation half in RAM",
      { ram, reserved: [{ ...region(0x7ff0_0000, "2MiB"), kind: "no-map" }] },
      "memory.reserved[0]: x [0x7ff00000, 0x80100000) lies partly in RAM and partly outside",
    ],
    [
      "reserved RAM outside RAM",
      { ram, reserved: [{ ...region(0x8000_0000, "2MiB"), kind: "ram" }] },
      "memory.reserved[0]: x [0x80000000, 0x80200000) is not RAM in [0x80000000, 0x80200000)",
    ],
    [
      "a device in RAM",
      { ram, device: [{ ...region(0x1000_0000, "1MiB"), kind: "mmio" }] },
      "memory.device[0]: x [0x10000000, 0x10100000) overlaps System RAM in [0x10000000, 0x10100000)",
    ],
    [
      "registers with struct pages",
      { ram, device: [{ ...region(0xf000_0000, "1MiB"), kind: "mmio", structPages: true }] },
      "memory.device[0]: x is mmio, which has neither struct pages nor a linear map",
    ],
    [
      "two regions of one name",
      {
        ram,
        reserved: [{ ...region(0, "1MiB"), kind: "ram" }],
        device: [{ ...region(0xf000_0000, "1MiB"), kind: "device" }],
      },
      "memory.device[0]: a second region is named x",
    ],
    [
      "a pool that is not made of page blocks",
      { ram, cma: [{ name: "x", size: "1MiB" }] },
      "memory.cma[0]: size 1MiB is not a multiple of 2 MiB, the least alignment of a CMA pool",
    ],
    [
      "a pool at an odd base",
      { ram, cma: [{ name: "x", size: "2MiB", base: 0x10_0000 }] },
      "memory.cma[0]: base 0x100000 is not a multiple of 2 MiB",
    ],
    [
      "a pool across 4 GiB",
      { ram: [{ base: 0x8000_0000, size: "4GiB" }], cma: [{ name: "x", size: "4MiB", base: 0xffe0_0000 }] },
      "memory.cma[0]: x [0xffe00000, 0x100200000) crosses 4 GiB: a pool lies in one zone",
    ],
    [
      "a pool for which there is no room",
      { ram: [{ base: 0, size: "64MiB" }], cma: [{ name: "x", size: "128MiB" }] },
      "memory.cma[0]: no 134217728 contiguous bytes of RAM left within [0x0, 0x100000000) for x",
    ],
    [
      "a pool outside RAM",
      { ram, cma: [{ name: "x", size: "2MiB", base: 0x9000_0000 }] },
      "memory.cma[0]: x [0x90000000, 0x90200000) is not RAM in [0x90000000, 0x90200000)",
    ],
  ])("%s", (_, description, message) => {
    let error: unknown;
    try {
      new PhysicalMemory(description);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toContain(message);
    expect((error as InputError).message).not.toContain("\n");
  });
});
