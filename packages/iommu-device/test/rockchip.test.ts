// SPDX-License-Identifier: MIT
import { assemble, dmaAddr, type Finding, KernelError, physAddr, type System } from "@dmabuf/core";
import { type IommuMaster, IommuProt, type IommuTable } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { mmuCommand, type RockchipOptions, rockchipIommu } from "../src/index.ts";

const { READ, WRITE } = IommuProt;
const RW = READ | WRITE;
const PAGE = 4096;
const vop: IommuMaster = { devices: ["vop"], ids: [0], untrusted: false };

const platform = (options: RockchipOptions = {}, ids = [0]) =>
  assemble(
    {
      model: "a display",
      memory: [{ base: 0, size: "32MiB" }],
      devices: { vop: { class: "display", coherent: false, iommu: { unit: "vop_mmu", ids } } },
    },
    [toyArch(), rockchipIommu("vop_mmu", options)],
  );

/** A running IOMMU with a domain, and what it was told. */
function running(options: RockchipOptions = {}) {
  const system = platform(options).boot();
  const commands: string[] = [];
  system.simulation.trace.subscribe(mmuCommand, (event) => commands.push(event.text("command")));
  const unit = system.iommu("vop_mmu");
  const table = unit.allocateDomain();
  unit.attach(vop, table);
  const access = (address: number, does: number = READ) => unit.translation(0).translate(address, does);
  const map = (iova: number, phys: number, size: number, prot: number = RW): void => {
    table.map(dmaAddr(iova), physAddr(phys), size, prot);
    table.syncMap?.(dmaAddr(iova), size);
  };
  return { system, unit, table, commands, access, map };
}

describe("the driver's registers", () => {
  test("attaching stalls nothing here: tables, a zap of everything, paging", () => {
    const { commands } = running();
    expect(commands[0]).toMatch(/^DTE_ADDR=0x[0-9a-f]+$/);
    expect(commands.slice(1)).toEqual(["COMMAND=ZAP_CACHE", "COMMAND=ENABLE_PAGING"]);
  });

  test("mapping zaps the first and the last page, unmapping each", () => {
    const { commands, table, map } = running();
    commands.length = 0;
    map(0x1000, 0x10_0000, 4 * PAGE);
    expect(commands.splice(0)).toEqual(["ZAP_ONE_LINE=0x1000", "ZAP_ONE_LINE=0x4000"]);
    map(0x8000, 0x20_0000, PAGE);
    expect(commands.splice(0)).toEqual(["ZAP_ONE_LINE=0x8000"]);
    table.unmap(dmaAddr(0x1000), 2 * PAGE);
    table.flush(dmaAddr(0x1000), 2 * PAGE);
    expect(commands).toEqual(["ZAP_ONE_LINE=0x1000", "ZAP_ONE_LINE=0x2000"]);
  });

  test("identity is paging switched off, blocked a domain of nothing", () => {
    const { unit, access, map } = running();
    map(0x1000, 0x10_0000, PAGE);
    unit.attach(vop, "identity");
    expect(access(0x1234).address).toBe(0x1234);
    unit.attach(vop, "blocked");
    expect(access(0x1000).fault).toBe("PAGE_FAULT (INT_STATUS 0x1): DTE not valid");
  });
});

describe("faults", () => {
  test("name the level that is not valid, and what the page does not allow", () => {
    const { access, map } = running();
    map(0x1000, 0x10_0000, PAGE, READ);
    map(0x3000, 0x10_0000, PAGE, WRITE);
    expect(access(0x40_0000).fault).toBe("PAGE_FAULT (INT_STATUS 0x1): DTE not valid");
    expect(access(0x2000, WRITE).fault).toBe(
      "PAGE_FAULT (INT_STATUS 0x1, STATUS.PAGE_FAULT_IS_WRITE): PTE not valid",
    );
    expect(access(0x1000, WRITE).fault).toBe(
      "PAGE_FAULT (INT_STATUS 0x1, STATUS.PAGE_FAULT_IS_WRITE): PTE not WRITABLE",
    );
    expect(access(0x3000).fault).toBe("PAGE_FAULT (INT_STATUS 0x1): PTE not READABLE");
    expect(access(2 ** 32).fault).toBe("beyond the aperture of 4 GiB");
  });

  test("what a driver asks for that it cannot have is answered as the kernel does", () => {
    const { unit } = running();
    const error = (attach: () => void): string => {
      try {
        attach();
      } catch (thrown) {
        if (thrown instanceof KernelError) return thrown.message;
      }
      return expect.fail("it was accepted");
    };
    const domain = unit.allocateDomain();
    expect(error(() => unit.attach(vop, domain, 3))).toContain("-EOPNOTSUPP: vop: it knows no PASIDs");
    expect(error(() => unit.probe?.("vop", [7]))).toContain("-EINVAL: vop: its #iommu-cells are 0");
    expect(error(() => unit.attach(vop, {} as IommuTable))).toContain("a domain of another IOMMU");
  });

  test("v1 maps nothing from 4 GiB on, v2 up to 40 bits", () => {
    const [one, two] = [running({ version: 1 }), running({ version: 2 })];
    expect(() => one.map(0x1000, 2 ** 32, PAGE)).toThrow("-ERANGE");
    two.map(0x1000, 2 ** 40 - PAGE, PAGE);
    expect(two.access(0x1fff).address).toBe(2 ** 40 - 1);
    expect(() => two.map(0x5000, 2 ** 40, PAGE)).toThrow("-ERANGE");
  });
});

describe("tables of v1 that lie above 4 GiB", () => {
  const board = (options: RockchipOptions) =>
    assemble(
      {
        model: "a machine with memory on both sides of 4 GiB",
        memory: [
          { base: 0x1000_0000, size: "32MiB" },
          { base: 2 ** 32, size: "32MiB" },
        ],
        devices: { vop: { class: "display", coherent: false, iommu: { unit: "vop_mmu", ids: [0] } } },
      },
      [toyArch(), rockchipIommu("vop_mmu", options)],
    ).boot();
  const answer = (options: RockchipOptions) => {
    const unit = board(options).iommu("vop_mmu");
    const table = unit.allocateDomain();
    unit.attach(vop, table);
    table.map(dmaAddr(0x1000), physAddr(0x1100_0000), PAGE, RW);
    return unit.translation(0).translate(0x1000, READ);
  };

  test("cannot be named by its register: the walker reads something else", () => {
    expect(answer({ omits: ["GFP_DMA32"] }).fault).toBe(
      "BUS_ERROR (INT_STATUS 0x2): DTE_ADDR leads to 0x0, the table lies at 0x100000000; GFP_DMA32 is missing",
    );
  });

  test("are not made by a driver that asks for low memory, and do not matter to v2", () => {
    expect(answer({})).toMatchObject({ fault: null, address: 0x1100_0000 });
    expect(answer({ version: 2 })).toMatchObject({ fault: null, address: 0x1100_0000 });
  });
});

describe("the lines of the page-table cache", () => {
  test("hold 16 entries: who uses one page remembers that its neighbours were not mapped", () => {
    const { access, map } = running({ omits: ["ZAP_ONE_LINE"] });
    map(0x1_0000, 0x10_0000, PAGE);
    access(0x1_0000);
    map(0x1_f000, 0x20_0000, PAGE);
    map(0x2_0000, 0x20_0000, PAGE);
    expect(access(0x2_0000).fault).toBeNull();
    const { fault, missing } = access(0x1_f000);
    expect([fault, missing]).toEqual([
      "PAGE_FAULT (INT_STATUS 0x1): PTE not valid",
      "ZAP_ONE_LINE of 0x1f000",
    ]);
  });

  test("are zapped by a mapping at either end, so that neighbours are seen", () => {
    const { access, map } = running();
    map(0x1_0000, 0x10_0000, PAGE);
    access(0x1_0000);
    map(0x1_1000, 0x20_0000, 64 * PAGE);
    for (let page = 0; page < 64; page++) expect(access(0x1_1000 + page * PAGE).fault).toBeNull();
  });

  test("of the last domain stay without ZAP_CACHE", () => {
    const { unit, access, map } = running({ omits: ["ZAP_CACHE"] });
    map(0x1000, 0x10_0000, PAGE);
    access(0x1000);
    unit.attach(vop, unit.allocateDomain());
    expect(access(0x1000)).toMatchObject({ fault: null, address: 0x10_0000, missing: "ZAP_CACHE" });
  });
});

describe("a descriptor that was not cleaned", () => {
  const found = (options: RockchipOptions): readonly Finding[] =>
    platform(options).inspect(function* (system: System) {
      const page = system.memory.pages.allocatePages(0) ?? expect.fail();
      const mapping = system.dma.mapPage(system.device("vop"), page, PAGE, "to-device");
      system.dmaBuf.transfers.accessAt(system.device("vop"), mapping.dmaAddress, PAGE, "read");
      system.dma.unmapPage(mapping);
      yield 1000;
    }).findings;

  test("is found as a stale read of the table walker", () => {
    const stale = found({ omits: ["dma_sync_single_for_device"] }).filter(
      ({ code }) => code === "stale-read",
    );
    expect(stale.length).toBeGreaterThan(0);
    expect(stale[0]?.message).toContain("table walker of vop_mmu");
  });

  test("is none where the driver cleans", () => {
    expect(found({}).filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("memory for tables", () => {
  test("is given back with the domain, and blocking again and again takes none", () => {
    const { system, unit } = running();
    const { pages } = system.memory;
    unit.attach(vop, "blocked");
    const before = pages.freePageCount();
    const table = unit.allocateDomain();
    unit.attach(vop, table);
    table.map(dmaAddr(0x1000), physAddr(0x10_0000), PAGE, RW);
    expect(pages.freePageCount()).toBeLessThan(before);
    unit.attach(vop, "blocked");
    unit.freeDomain?.(table);
    unit.attach(vop, "identity");
    unit.attach(vop, "blocked");
    expect(pages.freePageCount()).toBe(before);
  });

  test("an id that it cannot have is told when the board boots", () => {
    expect(() => platform({}, [7]).boot()).toThrow("vop: its #iommu-cells are 0, so the id is 0, not 7");
  });
});

describe("a domain that two IOMMUs have, as those of two displays", () => {
  test("is zapped in both", () => {
    const iommu = (unit: string) =>
      ({ class: "display", coherent: false, iommu: { unit, ids: [0] } }) as const;
    const devices = { vopb: iommu("vopb_mmu"), vopl: iommu("vopl_mmu") };
    const system = assemble({ model: "two displays", memory: [{ base: 0, size: "32MiB" }], devices }, [
      toyArch(),
      rockchipIommu("vopb_mmu"),
      rockchipIommu("vopl_mmu"),
    ]).boot();
    const units = [system.iommu("vopb_mmu"), system.iommu("vopl_mmu")];
    const table = (units[0] as (typeof units)[number]).allocateDomain();
    for (const unit of units) unit.attach(vop, table);
    const access = () => units.map((unit) => unit.translation(0).translate(0x1000, READ));
    table.map(dmaAddr(0x1000), physAddr(0x10_0000), PAGE, RW);
    table.syncMap?.(dmaAddr(0x1000), PAGE);
    expect(access().map(({ address, missing }) => [address, missing])).toEqual([
      [0x10_0000, null],
      [0x10_0000, null],
    ]);
    table.unmap(dmaAddr(0x1000), PAGE);
    table.flush(dmaAddr(0x1000), PAGE);
    for (const { fault, missing } of access()) expect([fault === null, missing]).toEqual([false, null]);
  });

  test("and one that was given up, twice even, is EINVAL", () => {
    const { unit } = running();
    const table = unit.allocateDomain();
    unit.freeDomain?.(table);
    unit.freeDomain?.(table);
    expect(() => unit.attach(vop, table)).toThrow(
      "-EINVAL: vop: a domain of another IOMMU, or one that was given up",
    );
  });
});
