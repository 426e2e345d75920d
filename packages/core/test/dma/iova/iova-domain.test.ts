// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { DmaAddr } from "../../../src/address.ts";
import { IovaDomain, type IovaLimit } from "../../../src/dma/iova/iova-domain.ts";

const MASK32 = 2 ** 32 - 1;
const MASK48 = 2 ** 48 - 1;
const KIB = 1024;

test("addresses come from the top, in granules, aligned to the size", () => {
  const domain = new IovaDomain();
  expect(domain.allocate(1, { mask: MASK32 })).toBe(0xffff_f000);
  expect(domain.allocate(12 * KIB, { mask: MASK32 })).toBe(0xffff_8000);
  expect(domain.allocate(2 ** 20 + 1, { mask: MASK32 })).toBe(0xffe0_0000);
});

test("address 0 is never handed out (I-1)", () => {
  const domain = new IovaDomain();
  expect(domain.start).toBe(4096);
  expect(domain.allocate(4096, { mask: 8191 })).toBe(4096);
  expect(domain.allocate(4096, { mask: 8191 })).toBeNull();
});

test("the lowest of mask, bus limit and aperture counts; a bus limit of 0 is none", () => {
  const domain = new IovaDomain();
  expect(domain.allocate(4096, { mask: MASK48, busLimit: 0, apertureEnd: 2 ** 40 - 1 })).toBe(2 ** 40 - 4096);
  expect(domain.allocate(4096, { mask: MASK48, busLimit: 2 ** 36 - 1, apertureEnd: 2 ** 40 - 1 })).toBe(
    2 ** 36 - 4096,
  );
  expect(domain.allocate(4096, { mask: 2 ** 30 - 1, busLimit: 2 ** 36 - 1 })).toBe(2 ** 30 - 4096);
  expect(new IovaDomain().allocate(4096, { mask: 2 ** 64 })).toBe(2 ** 53 - 4096);
});

test("a granule of 1 KiB", () => {
  const domain = new IovaDomain({ granule: 1024 });
  expect(domain.start).toBe(1024);
  const first = domain.allocate(1000, { mask: MASK32 }) as DmaAddr;
  expect(first).toBe(2 ** 32 - 1024);
  domain.free(first, 1000);
  expect(domain.allocate(500, { mask: MASK32 })).toBe(first);
});

test("lists merge at granules, and 128 KiB are cached (I-13)", () => {
  const domain = new IovaDomain({ granule: 1024 });
  expect([domain.mergeBoundary, domain.optimalSize]).toEqual([1023, 128 * KIB]);
  expect(new IovaDomain().rangeCount).toBe(0);
});

test("reserved ranges are whole granules", () => {
  const domain = new IovaDomain();
  domain.reserve(0xffff_e800, 0xffff_f001);
  expect(domain.allocate(4096, { mask: MASK32 })).toBe(0xffff_d000);
});

test("a PCI device stays below 4 GiB until that is full once, then never tries again (I-3)", () => {
  const domain = new IovaDomain();
  domain.reserve(0, 2 ** 32 - 8192);
  const limit: IovaLimit = { mask: MASK48, pci32BitWorkaround: true };
  const low = [domain.allocate(4096, limit), domain.allocate(4096, limit)];
  expect(low).toEqual([0xffff_f000, 0xffff_e000]);
  expect(limit.pci32BitWorkaround).toBe(true);
  expect(domain.allocate(4096, limit)).toBe(2 ** 48 - 4096);
  expect(limit.pci32BitWorkaround).toBe(false);
  domain.reserve(2 ** 48 - 8192, 2 ** 48);
  expect(domain.allocate(8192, limit)).toBe(2 ** 48 - 16_384);
  const narrow: IovaLimit = { mask: MASK32, pci32BitWorkaround: true };
  expect(domain.allocate(8192, narrow)).toBeNull();
  expect(narrow.pci32BitWorkaround).toBe(true);
});

test("below the last place, or on request the highest place that fits", () => {
  const second = (policy: "linux" | "first-fit") => {
    const domain = new IovaDomain({ policy });
    domain.allocate(4096, { mask: 2 ** 36 - 1 });
    return domain.allocate(4096, { mask: MASK48 });
  };
  expect([second("linux"), second("first-fit")]).toEqual([2 ** 36 - 8192, 2 ** 48 - 4096]);
});

test("the device's window begins the space, and must meet what the IOMMU translates", () => {
  const aperture = { start: 0, end: 2 ** 39 };
  expect(new IovaDomain({ aperture, dmaRange: { start: 2 ** 31, end: 2 ** 32 } }).start).toBe(2 ** 31);
  expect(new IovaDomain({ aperture: { start: 2 ** 20, end: 2 ** 39 } }).start).toBe(2 ** 20);
  expect(() => new IovaDomain({ aperture, dmaRange: { start: 2 ** 40, end: 2 ** 41 } })).toThrow(
    "iommu_dma_init_domain: -EFAULT: the device reaches [0x10000000000, 0x20000000000), the IOMMU translates [0x0, 0x8000000000)",
  );
});

test("a granule must be a power of two, and not larger than a page", () => {
  expect(() => new IovaDomain({ granule: 65_536 })).toThrow(
    "granule 65536 is not a power of two from 64 to 4096",
  );
  expect(() => new IovaDomain({ granule: 3000 })).toThrow("granule 3000");
  expect(() => new IovaDomain().allocate(0, { mask: MASK32 })).toThrow("cannot allocate 0 bytes");
});
