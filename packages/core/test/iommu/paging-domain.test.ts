// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DmaAddr, dmaAddr, type PhysAddr, physAddr } from "../../src/address.ts";
import { KernelError } from "../../src/index.ts";
import { IommuProt, PageTable, PagingDomain, type PagingDomainOptions } from "../../src/iommu.ts";
import { fourLevel64, tiny32, tiny64 } from "./made-up-formats.ts";
import { RecordedTableMemory } from "./recorded-table-memory.ts";

const { READ, WRITE, CACHE } = IommuProt;
const PAGE = 4096;

/** A domain that notes what its IOMMU is told. */
function noted(table: PageTable, options: Partial<PagingDomainOptions> = {}) {
  const told: string[] = [];
  const note =
    (what: string) =>
    (iova: number, size: number): void => {
      told.push(`${what} 0x${iova.toString(16)} ${size / PAGE}`);
    };
  const invalidation = { range: note("range"), all: () => void told.push("all"), mapped: note("mapped") };
  const domain = new PagingDomain({ table, invalidation, ...options });
  const map = (page: number, phys: number, pages: number, prot: number = READ): void =>
    domain.map(dmaAddr(page * PAGE), physAddr(phys * PAGE), pages * PAGE, prot);
  const unmap = (page: number, pages: number): number =>
    domain.unmap(dmaAddr(page * PAGE), pages * PAGE) / PAGE;
  const at = (page: number): number | null => {
    const found = domain.lookup(dmaAddr(page * PAGE));
    return found === null ? null : found / PAGE;
  };
  return { domain, told, map, unmap, at };
}

describe("what is no multiple of the smallest page or past the end is EINVAL (M-10)", () => {
  const { domain } = noted(new PageTable(fourLevel64), { end: 2 ** 40 });
  const map = (iova: number, phys: number, size: number) => () =>
    domain.map(iova as DmaAddr, phys as PhysAddr, size, READ);

  test.each([
    [map(0x1800, 0, PAGE), "iommu_map: -EINVAL: address 0x1800 is not a multiple of the granule 4096"],
    [map(0, 0x10, PAGE), "iommu_map: -EINVAL: physical address 0x10 is not a multiple of the granule 4096"],
    [map(-PAGE, 0, PAGE), "iommu_map: -EINVAL: address -4096 is negative"],
    [map(0, -PAGE, PAGE), "iommu_map: -EINVAL: physical address -4096 is negative"],
    [map(0, 0, 100), "iommu_map: -EINVAL: size 0x64 is not a multiple of the granule 4096"],
    [map(2 ** 40 - PAGE, 0, 2 * PAGE), "iommu_map: -EINVAL: 0x10000001000 is past what is translated"],
  ])("%#", (act, message) => expect(act).toThrow(message));

  test("but unmapping it takes nothing out (M-13)", () => {
    domain.map(dmaAddr(0x1000), physAddr(0), 2 * PAGE, READ);
    expect([domain.unmap(dmaAddr(0x1801), PAGE), domain.unmap(dmaAddr(0x1000), 100)]).toEqual([0, 0]);
    expect(domain.unmap(dmaAddr(0x1000), 2 * PAGE)).toBe(2 * PAGE);
  });

  test("and nothing at all is neither mapped nor forgotten", () => {
    const { domain: empty, told } = noted(new PageTable(fourLevel64));
    empty.map(dmaAddr(0), physAddr(0), 0, READ);
    empty.syncMap(dmaAddr(0), 0);
    expect(empty.unmap(dmaAddr(0), 0)).toBe(0);
    empty.flush(dmaAddr(0), 0);
    expect(told).toEqual([]);
  });

  test("and what its page tables do not reach is not translated", () => {
    expect(domain.lookup(dmaAddr(2 ** 40))).toBeNull();
  });
});

describe("a map that fails half way takes out all that it had mapped (M-12)", () => {
  test("where something is mapped already, which stays", () => {
    const { map, at, told } = noted(new PageTable(fourLevel64));
    map(1030, 9, 1);
    expect(() => map(500, 500, 600)).toThrow("iommu_map: -EEXIST: 0x406000 is mapped already");
    for (let page = 500; page < 1100; page++) expect(at(page)).toBe(page === 1030 ? 9 : null);
    // What had been mapped is forgotten, too: a device may have used it meanwhile.
    expect(told).toEqual(["range 0x1f4000 530"]);
  });

  test("past the last physical address", () => {
    const { map, at } = noted(new PageTable(fourLevel64));
    const end = 2 ** 36;
    expect(() => map(0, end - 512, 513)).toThrow("-ERANGE");
    expect([at(0), at(511), at(512)]).toEqual([null, null, null]);
  });

  test("without memory for a table", () => {
    const memory = new RecordedTableMemory();
    const allocate = memory.allocate.bind(memory);
    let left = 4;
    memory.allocate = (bytes): PhysAddr => {
      if (left-- === 0) throw new KernelError("ENOMEM", "iommu_map", "no table");
      return allocate(bytes);
    };
    const { map, at } = noted(new PageTable(fourLevel64, { memory }));
    expect(() => map(3, 0, 600)).toThrow("-ENOMEM");
    for (let page = 0; page < 1024; page++) expect(at(page)).toBeNull();
  });
});

test("an unmap stops at the first hole and says how far it came (M-13)", () => {
  const { map, unmap, at } = noted(new PageTable(fourLevel64));
  map(0, 100, 4);
  map(5, 200, 4);
  expect(unmap(0, 9)).toBe(4);
  expect([at(3), at(5), at(8)]).toEqual([null, 200, 203]);
  expect([unmap(0, 9), unmap(4, 1), unmap(0, 0)]).toEqual([0, 0, 0]);
  expect(unmap(6, 2)).toBe(2);
  expect([at(5), at(6), at(7), at(8)]).toEqual([200, null, null, 203]);
});

test("a table that goes as a whole takes its holes along, and counts as mapped (M-26)", () => {
  const { map, unmap, at } = noted(new PageTable(fourLevel64));
  map(512, 0, 1);
  map(514, 0, 1);
  expect([unmap(512, 512), at(514), unmap(512, 512)]).toEqual([512, null, 0]);
});

test("what is not mapped has no physical address (M-16)", () => {
  const { map, at, domain } = noted(new PageTable(fourLevel64));
  map(7, 0, 1);
  expect([at(6), at(7), domain.lookup(dmaAddr(7 * PAGE + 5))]).toEqual([null, 0, 5]);
});

test("the IOMMU is told of what changed, and only when that is asked for (M-14, M-73)", () => {
  const { domain, map, unmap, told } = noted(new PageTable(fourLevel64));
  map(0, 0, 512);
  unmap(0, 512);
  expect(told).toEqual([]);
  domain.syncMap(dmaAddr(0), 2 ** 21);
  domain.flush(dmaAddr(0), 2 ** 21);
  domain.flushAll();
  expect(told).toEqual(["mapped 0x0 512", "range 0x0 512", "all"]);
});

test("an IOMMU that does not remember what was not mapped need not be told of it", () => {
  const domain = new PagingDomain({
    table: new PageTable(fourLevel64),
    invalidation: { range: () => {}, all: () => {} },
  });
  expect(() => domain.syncMap(dmaAddr(0), PAGE)).not.toThrow();
  expect([domain.deferredFlush, domain.granule, domain.end]).toEqual([true, PAGE, 2 ** 48]);
});

test("the driver has a say in the flags", () => {
  const table = new PageTable(fourLevel64);
  const { map } = noted(table, { prot: (prot) => prot & ~CACHE });
  map(0, 0, 1, READ | WRITE | CACHE);
  table.walk(0);
  expect(table.format.protOf(table.low, table.high, table.level)).toBe(READ | WRITE);
});

describe("tables go when the IOMMU has forgotten them (G.9)", () => {
  const domainOf = (memory: RecordedTableMemory) => noted(new PageTable(fourLevel64, { memory }));

  test("with the range that they stood for, and not with another", () => {
    const memory = new RecordedTableMemory();
    const { domain, map, unmap } = domainOf(memory);
    map(0, 1, 512);
    map(512, 2, 512);
    unmap(0, 1024);
    expect(memory.inUse.size).toBe(5);
    domain.flush(dmaAddr(4096 * PAGE), PAGE);
    expect(memory.inUse.size).toBe(5);
    domain.flush(dmaAddr(0), 512 * PAGE);
    expect(memory.inUse.size).toBe(4);
    domain.flush(dmaAddr(0), 1024 * PAGE);
    expect(memory.inUse.size).toBe(3);
  });

  test("or all at once", () => {
    const memory = new RecordedTableMemory();
    const { domain, map, unmap } = domainOf(memory);
    for (const at of [0, 2 ** 20, 2 ** 30]) map(at, 1, 512);
    for (const at of [0, 2 ** 20, 2 ** 30]) unmap(at, 512);
    domain.flushAll();
    // The root, and those of the levels below that have blocks elsewhere or are kept for the next map.
    expect(memory.inUse.size).toBe(1 + 2 + 3);
  });
});

const PAGES = 64;
const step = fc.record({
  op: fc.constantFrom("map" as const, "map" as const, "unmap" as const, "flush" as const),
  at: fc.nat(PAGES - 1),
  phys: fc.nat(200),
  pages: fc.integer({ min: 0, max: 30 }),
  prot: fc.constantFrom(READ, WRITE, READ | WRITE),
});

test.each([tiny64, tiny32])("agrees with a Map of pages, whatever it is made of: $name", (format) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const { map, unmap, at, domain } = noted(new PageTable(format));
      const pages = new Map<number, number>();
      for (const { op, at: first, phys, pages: wanted, prot } of steps) {
        const count = Math.min(wanted, PAGES - first);
        const list = Array.from({ length: count }, (_, i) => first + i);
        if (op === "map") {
          // Where something is mapped the answer depends on the sizes that are chosen: the tables' own test has that.
          if (list.some((page) => pages.has(page))) continue;
          map(first, phys, count, prot);
          for (const page of list) pages.set(page, phys + page - first);
        } else if (op === "unmap") {
          const hole = list.findIndex((page) => !pages.has(page));
          // A table that stands for more than what is asked for goes with its holes; one page at a time there is none.
          for (const page of hole < 0 ? list : list.slice(0, hole)) pages.delete(page);
          if (hole < 0) expect(unmap(first, count)).toBe(count);
          else for (let i = 0; i < hole; i++) expect(unmap(first + i, 1)).toBe(1);
        } else domain.flush(dmaAddr(first * PAGE), count * PAGE);
        for (let page = 0; page < PAGES; page++) expect(at(page)).toBe(pages.get(page) ?? null);
      }
    }),
    { seed: 20261120, numRuns: 80 },
  );
});
