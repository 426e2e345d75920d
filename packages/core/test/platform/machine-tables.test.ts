// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { physAddr } from "../../src/address.ts";
import { assemble, type BoardDescription, Extents, type Finding, type System } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { type ToyUnitOptions, toyUnit } from "../iommu/toy-unit.ts";

const PAGE = 4096;
const devices = { eth: { class: "net", coherent: true, iommu: { unit: "mmu", ids: [1] } } } as const;
const board: BoardDescription = { model: "tables", memory: [{ base: 0, size: "16MiB" }], devices };

/** What a device's read through a fresh mapping finds. */
function found(options: ToyUnitOptions, given = board): readonly Finding[] {
  const platform = assemble(given, [toyArch(), toyUnit("mmu", options)]);
  return platform
    .inspect(function* ({ dma, dmaBuf, device, cpu }: System) {
      const mapping = dma.mapPage(device("eth"), physAddr(0x5000), PAGE, "to-device");
      yield* cpu.settle();
      dmaBuf.transfers.accessAt(device("eth"), mapping.dmaAddress, 64, "read");
      dma.unmapPage(mapping);
      yield* cpu.settle();
    })
    .findings.filter(({ severity }) => severity === "error");
}

describe("a table walker that does not snoop (M-30)", () => {
  test("reads old descriptors where nobody has cleaned them, and that is a stale read like any other", () => {
    const [stale, ...others] = found({ coherentWalk: false, cleans: false });
    expect(others).toEqual([]);
    expect(stale?.code).toBe("stale-read");
    expect(stale?.message).toContain("the table walker of toy");
    expect(stale?.fix.join(" ")).toMatch(/clean the lines in cpu's cache before/);
  });

  test("reads right ones where the driver has", () => {
    expect(found({ coherentWalk: false })).toEqual([]);
  });

  test("and one that snoops needs no cleaning", () => {
    expect(found({ coherentWalk: true, cleans: false })).toEqual([]);
  });

  test("that finds a descriptor in its TLB does not read it", () => {
    const platform = assemble(board, [toyArch(), toyUnit("mmu", { coherentWalk: false })]);
    const system = platform.boot();
    const { dma, dmaBuf, device, simulation } = system;
    const mapping = dma.mapPage(device("eth"), physAddr(0x5000), PAGE, "to-device");
    const fetches = (): number =>
      [...simulation.trace.events()].filter((event) => String(event).startsWith("table_fetch")).length;
    const access = (): number => dmaBuf.transfers.accessAt(device("eth"), mapping.dmaAddress, 64, "read");
    expect([access(), fetches(), access(), fetches()]).toEqual([64, 2, 64, 2]);
  });
});

describe("the memory of tables", () => {
  test("is the board's, and comes back after the flush", () => {
    const system = assemble(board, [toyArch(), toyUnit("mmu")]).boot();
    const { memory, iommu } = system;
    const free = (): number => memory.pages.freePageCount();
    const before = free();
    const table = iommu("mmu").allocateDomain();
    // The root has 4096 descriptors of 4 bytes.
    expect(before - free()).toBe(4);
    table.map(0x4000_0000 as never, 0 as never, 2 * PAGE, 3);
    expect(before - free()).toBe(5);
    table.unmap(0x4000_0000 as never, 2 * PAGE);
    expect(before - free(), "a table that is empty is kept").toBe(5);
    table.map(0x4010_0000 as never, 0 as never, PAGE, 3);
    table.map(0x4010_1000 as never, 0 as never, 255 * PAGE, 3);
    expect(table.unmap(0x4010_0000 as never, 256 * PAGE)).toBe(256 * PAGE);
    expect(before - free(), "IOMMUs may still walk there").toBe(6);
    table.flush(0x4010_0000 as never, 256 * PAGE);
    expect(before - free()).toBe(5);
  });

  test("can run out, which is ENOMEM, and the mapping fails as the kernel's does", () => {
    const small: BoardDescription = { ...board, memory: [{ base: 0, size: "128KiB" }] };
    const { iommu, dma, device, memory } = assemble(small, [toyArch(), toyUnit("mmu")]).boot();
    const table = iommu("mmu").allocateDomain();
    while (memory.pages.allocatePages(0) !== null);
    expect(() => table.map(0 as never, 0 as never, PAGE, 3)).toThrow(
      "iommu_map: -ENOMEM: toy: no 1024 bytes for a table",
    );
    expect(table.lookup(0 as never)).toBeNull();
    expect(() => iommu("mmu").allocateDomain()).toThrow(
      "iommu_map: -ENOMEM: toy: no 16384 bytes for a table",
    );
    expect(() => dma.mapPage(device("eth"), physAddr(0x5000), PAGE, "to-device")).toThrow("-ENOMEM");
  });
});

describe("a mapping that says whether it snoops (D22)", () => {
  /** What is found when a device reads what lies dirty in the CPU's cache, through a mapping of the driver's. */
  function reads(prot: number, coherent: boolean): string[] {
    const given: BoardDescription = {
      ...board,
      devices: { gpu: { ...devices.eth, class: "gpu", coherent, port: "snoop" } },
    };
    const platform = assemble(given, [toyArch(), toyUnit("mmu", { saysSnooping: true })]);
    return platform
      .inspect(function* ({ iommu, iommuGroup, memory, cpu, dmaBuf, device }: System) {
        const page = memory.pages.allocatePages(0) ?? expect.fail();
        const table = iommu("mmu").allocateDomain();
        table.map(0x10_0000 as never, page, PAGE, prot);
        iommuGroup("gpu")?.attach(table);
        cpu.access("write", Extents.of([page, page + PAGE]));
        yield* cpu.settle();
        dmaBuf.transfers.accessAt(device("gpu"), 0x10_0000, PAGE, "read");
        memory.pages.freePages(page, 0);
      })
      .findings.filter(({ severity }) => severity === "error")
      .map(({ code }) => code);
  }

  const [READ, CACHE] = [1, 4];

  test.each([true, false])(
    "sees the CPU's dirty lines with IOMMU_CACHE, and misses them without: coherent %s",
    (coherent) => {
      expect(reads(READ | CACHE, coherent)).toEqual([]);
      expect(reads(READ, coherent)).toEqual(["stale-read"]);
    },
  );
});
