// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../../src/address.ts";
import { iommuProt } from "../../../src/dma/backend/mapping-prot.ts";
import { DmaDomain, type DmaDomainOptions } from "../../../src/dma/iova/dma-domain.ts";
import { IovaDomain } from "../../../src/dma/iova/iova-domain.ts";
import { IommuProt } from "../../../src/iommu/iommu-prot.ts";
import { PlainTable } from "../../../src/iommu/plain-table.ts";
import { MILLISECOND } from "../../../src/sim/clock.ts";
import { isStale, reached } from "../../iommu/reached.ts";
import { VirtualTime } from "./virtual-time.ts";

const { READ, WRITE, CACHE, PRIV, MMIO } = IommuProt;
const LIMIT = { mask: 2 ** 32 - 1 };
const BUFFER = 0x4_0000_1200 as PhysAddr;

function setUp({
  lazy = true,
  ...options
}: { lazy?: boolean } & Partial<Omit<DmaDomainOptions, "lazy">> = {}) {
  const time = new VirtualTime();
  const warnings: string[] = [];
  const table = new PlainTable();
  const domain = new DmaDomain({
    iova: new IovaDomain(),
    table,
    diagnostics: { warn: (...words) => warnings.push(words.join(" ")) },
    ...(lazy ? { lazy: { timers: time } } : {}),
    ...options,
  });
  return { time, table, domain, warnings };
}

test("a mapping has the offset of its memory, whole granules and its flags", () => {
  const { domain, table } = setUp();
  const address = domain.map(BUFFER, 0x2000, READ | WRITE, LIMIT) as DmaAddr;
  expect(address).toBe(0xffff_c200);
  expect(table.mappedBytes).toBe(0x3000);
  expect(reached(table, (address + 0x1fff) as DmaAddr, READ)).toBe(BUFFER + 0x1fff);
  expect(table.prot(address)).toBe(READ | WRITE);
});

test("strict: after unmap the device reaches nothing, and the address is free at once (G.9)", () => {
  const { domain, table } = setUp({ lazy: false });
  const address = domain.map(BUFFER, 4096, WRITE, LIMIT) as DmaAddr;
  reached(table, address, WRITE);
  domain.unmap(address, 4096);
  expect(domain.isLazy).toBe(false);
  expect(reached(table, address, WRITE)).toBeNull();
  expect(domain.map(BUFFER, 4096, WRITE, LIMIT)).toBe(address);
});

test("lazy: until the timer flushes, the device still writes the unmapped page; only then is the address free (G.9)", () => {
  const { time, domain, table } = setUp();
  const address = domain.map(BUFFER, 64, WRITE, LIMIT) as DmaAddr;
  reached(table, address, WRITE);
  domain.unmap(address, 64);
  expect(table.lookup(address)).toBeNull();
  expect(isStale(table, address)).toBe(true);
  expect(domain.map(BUFFER, 64, WRITE, LIMIT)).toBe(address - 4096);
  time.pass(10 * MILLISECOND - 1);
  expect(reached(table, address, WRITE)).toBe(BUFFER);
  time.pass(1);
  expect(reached(table, address, WRITE)).toBeNull();
  expect(domain.map(BUFFER, 64, WRITE, LIMIT)).toBe(address);
});

test("lazy: what the device has not touched before the unmap it does not reach after", () => {
  const { domain, table } = setUp();
  const address = domain.map(BUFFER, 2 * 4096, WRITE, LIMIT) as DmaAddr;
  reached(table, address, WRITE);
  domain.unmap(address, 2 * 4096);
  expect(reached(table, address, WRITE)).toBe(BUFFER);
  expect(reached(table, (address + 4096) as DmaAddr, WRITE)).toBeNull();
});

test("lazy: the 256th unmap closes the window of all before it", () => {
  const { domain, table } = setUp();
  const addresses = Array.from({ length: 256 }, (_, i) => {
    const address = domain.map((i * 4096) as PhysAddr, 4096, READ, LIMIT) as DmaAddr;
    reached(table, address, READ);
    return address;
  });
  for (const address of addresses.slice(0, 255)) domain.unmap(address, 4096);
  expect(addresses.every((address) => reached(table, address, READ) !== null)).toBe(true);
  domain.unmap(addresses[255] as DmaAddr, 4096);
  expect(addresses.every((address) => reached(table, address, READ) === null)).toBe(true);
  expect(domain.flushQueue?.length).toBe(1);
});

test("untrusted devices and tables that cannot defer are strict whatever is asked (I-5)", () => {
  expect(setUp().domain.isLazy).toBe(true);
  expect(setUp({ untrusted: true }).domain.isLazy).toBe(false);
  expect(setUp({ table: new PlainTable({ deferredFlush: false }) }).domain.isLazy).toBe(false);
});

test("a mapping that the table refuses gives its address back", () => {
  const { domain, table } = setUp();
  table.map(0xffff_f000 as DmaAddr, 0 as PhysAddr, 4096, READ);
  expect(domain.map(BUFFER, 64, READ, LIMIT)).toBeNull();
  expect(domain.iova.caches.cachedCount).toBe(1);
  expect(domain.map(BUFFER, 2 ** 33, READ, LIMIT)).toBeNull();
});

test("an error that is not the kernel's goes through, and the address back", () => {
  class Broken extends PlainTable {
    override map(): void {
      throw new RangeError("broken");
    }
  }
  const { domain } = setUp({ table: new Broken() });
  expect(() => domain.map(BUFFER, 64, READ, LIMIT)).toThrow(RangeError);
  expect(domain.iova.caches.cachedCount).toBe(1);
});

test("unmapping more than was mapped is a WARN", () => {
  const { domain, warnings } = setUp();
  const address = domain.map(BUFFER, 64, READ, LIMIT) as DmaAddr;
  domain.unmap(address, 64);
  domain.unmap(address, 64);
  expect(warnings).toEqual(["I-5 __iommu_dma_unmap 0xfffff200: only 0 of 4096 bytes were mapped"]);
});

test("the flags of a direction (I-2)", () => {
  expect(iommuProt("to-device")).toBe(READ);
  expect(iommuProt("from-device", { coherent: true })).toBe(WRITE | CACHE);
  expect(iommuProt("bidirectional", { privileged: true })).toBe(READ | WRITE | PRIV);
  expect(iommuProt("bidirectional", { mmio: true, coherent: true })).toBe(READ | WRITE | MMIO);
});
