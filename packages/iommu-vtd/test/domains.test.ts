// SPDX-License-Identifier: MIT
import { dmaAddr, KernelError, physAddr } from "@dmabuf/core";
import { IommuProt, type IommuTable, PlainTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { type VtdOptions, vtd } from "../src/index.ts";
import { AT, GPU, Machine, mapIn, master, READ_WRITE, takeOut, USB } from "./machine.ts";

const { READ, WRITE } = IommuProt;

describe("a domain", () => {
  test("of second-level tables has all addresses of its width, of first-level ones the lower half", () => {
    const end = (options: VtdOptions) => Math.log2(new Machine(options).domain().end);
    expect(end({})).toBe(48);
    expect(end({ addressWidth: 39 })).toBe(39);
    expect(end({ mode: "scalable" })).toBe(47);
    expect(end({ mode: "scalable", addressWidth: 57 })).toBe(52);
  });

  test("lets what can be written be read, and takes nothing that allows neither: EINVAL", () => {
    const machine = new Machine();
    const domain = machine.domain(GPU);
    mapIn(domain, AT, 0x10_0000, 0x1000, WRITE);
    expect(domain.table.descriptor(AT, 1)).toEqual([0x10_0003, 0]);
    expect(machine.reach(AT)).toBe(0x10_0000);
    expect(() => mapIn(domain, AT + 0x1000, 0x10_0000, 0x1000, IommuProt.CACHE)).toThrow(
      new KernelError("EINVAL", "iommu_map", "neither read nor write is allowed"),
    );
  });

  test("keeps a page that is mapped already, warns, and goes on with the others (M-70)", () => {
    const machine = new Machine();
    const domain = machine.domain(GPU);
    mapIn(domain, AT + 0x1000, 0x20_0000, 0x1000);
    mapIn(domain, AT, 0x10_0000, 0x3000);
    const reached = [0, 1, 2].map((page) => machine.reach(AT + page * 0x1000));
    expect(reached).toEqual([0x10_0000, 0x20_0000, 0x10_2000]);
    expect(machine.system.simulation.diagnostics.entries).toMatchObject([
      {
        ...{ rule: "M-70", operation: "__domain_mapping", count: 1 },
        text: "DMA PTE for 0x40001000 already set, to 0x200000, which stays",
      },
    ]);
  });

  // 2 MiB up to the border of 1 GiB, 1 GiB, and 2 MiB that are left, as the kernel's iommu_pgsize answers.
  test("is mapped with the largest pages that fit", () => {
    const domain = new Machine({ mode: "scalable", hostAddressWidth: 46 }).domain();
    domain.map(dmaAddr(0x3fe0_0000), physAddr(0x7fe0_0000), 0x4040_0000, READ_WRITE);
    const kind = (iova: number, level: number) => (domain.table.descriptor(iova, level)?.[0] ?? 0) & 0x81;
    expect(kind(0x3fe0_0000, 2)).toBe(0x81);
    expect(kind(0x4000_0000, 3)).toBe(0x81);
    expect(kind(0x8000_0000, 2)).toBe(0x81);
    expect(domain.table.descriptor(0x3fe0_0000, 1)).toBeNull();
  });

  test("of one unit serves devices behind another, and both forget what is unmapped", () => {
    const machine = new Machine({}, { others: [vtd("dmar1")] });
    const domain = machine.domain(GPU);
    const other = machine.unitNamed("dmar1");
    other.attach(master(USB), domain);
    mapIn(domain, AT, 0x10_0000, 0x1000);
    const far = other.translation(USB);
    expect(far.translate(AT, READ)).toMatchObject({ address: 0x10_0000, fault: null });
    expect(machine.reach(AT)).toBe(0x10_0000);
    takeOut(domain, AT, 0x1000);
    expect(far.translate(AT, READ).fault).toMatch("0x06");
    expect(machine.reach(AT)).toBeNull();
  });

  test.each<readonly [VtdOptions, VtdOptions, string]>([
    [{ mode: "scalable" }, {}, "dmar1 cannot use first-level tables in legacy mode"],
    [{ addressWidth: 57 }, {}, "dmar1 translates 48 bits, the domain has 57"],
    [{}, { superpages: ["2MiB"] }, "dmar1 knows no pages of 1GiB, the domain may have them"],
    [
      { coherentWalk: true },
      {},
      "dmar1 does not snoop when it walks, and the domain is written for the contrary",
    ],
  ])("of a unit %o does not fit one %o: EINVAL", (own, others, reason) => {
    const machine = new Machine(own, { others: [vtd("dmar1", others)] });
    expect(() => machine.unitNamed("dmar1").attach(master(USB), machine.domain())).toThrow(
      new KernelError("EINVAL", "attach_dev", reason),
    );
  });

  test("of another kind of IOMMU is refused: EINVAL", () => {
    expect(() => new Machine().unit.attach(master(GPU), new PlainTable())).toThrow(
      new KernelError("EINVAL", "attach_dev", "the domain is none of Intel VT-d"),
    );
  });
});

describe("domain ids", () => {
  test("are given while a domain is attached, and run out: ENOSPC", () => {
    const machine = new Machine({ domainIds: 16 });
    const domains = Array.from({ length: 15 }, () => machine.unit.allocateDomain());
    for (const [i, domain] of domains.slice(0, 14).entries()) machine.unit.attach(master(i), domain);
    const attach = () => machine.unit.attach(master(100), domains[14] as IommuTable);
    expect(attach).toThrow(new KernelError("ENOSPC", "domain_attach_iommu", "dmar0: no free domain ids"));
    machine.unit.attach(master(3), "blocked");
    attach();
  });

  test("are one for all devices of a domain, and different for different domains", () => {
    const machine = new Machine();
    const ids = (domain: ReturnType<Machine["domain"]>) => domain.tags.tags.map((tag) => tag.domain);
    expect(ids(machine.domain(GPU, USB))).toEqual([2, 2]);
    expect(ids(machine.domain(0x20))).toEqual([3]);
  });
});

describe("PASIDs", () => {
  const scalable = () => new Machine({ mode: "scalable" });

  test("are address spaces of one device, beside that of its requests without one", () => {
    const machine = scalable();
    const [plain, first, second] = [machine.domain(GPU), machine.domain(), machine.domain()];
    machine.unit.attach(master(GPU), first, 5);
    machine.unit.attach(master(GPU), second, 6);
    for (const [i, domain] of [plain, first, second].entries())
      mapIn(domain, AT, (i + 1) * 0x10_0000, 0x1000);
    expect([undefined, 5, 6].map((pasid) => machine.reach(AT, GPU, pasid))).toEqual([
      ...[0x10_0000, 0x20_0000, 0x30_0000],
    ]);
    expect(machine.access(AT, READ, GPU, 7).fault).toMatch("0x59");
    takeOut(first, AT, 0x1000);
    expect([undefined, 5, 6].map((pasid) => machine.reach(AT, GPU, pasid))).toEqual([
      0x10_0000,
      null,
      0x30_0000,
    ]);
    machine.unit.attach(master(GPU), "blocked", 6);
    expect(machine.access(AT, READ, GPU, 6).fault).toMatch("0x59");
    expect(machine.reach(AT)).toBe(0x10_0000);
  });

  test("one domain can be behind several of them, and its pages are forgotten for all", () => {
    const machine = scalable();
    const domain = machine.domain(GPU);
    machine.unit.attach(master(GPU), domain, 9);
    mapIn(domain, AT, 0x10_0000, 0x1000);
    expect([machine.reach(AT), machine.reach(AT, GPU, 9)]).toEqual([0x10_0000, 0x10_0000]);
    takeOut(domain, AT, 0x1000);
    expect([machine.reach(AT), machine.reach(AT, GPU, 9)]).toEqual([null, null]);
  });

  test("with devices that keep translations are invalidated by PASID", () => {
    const found = (omits: VtdOptions["omits"] = []) => {
      const machine = new Machine({ mode: "scalable", deviceTlb: [GPU], omits });
      const domain = machine.domain();
      machine.unit.attach(master(GPU), domain, 9);
      mapIn(domain, AT, 0x10_0000, 0x1000);
      machine.reach(AT, GPU, 9);
      takeOut(domain, AT, 0x1000);
      return machine.access(AT, READ, GPU, 9);
    };
    expect(found().fault).toMatch("0x71");
    expect(found(["p_dev_tlb_inv_dsc"]).missing).toBe(
      "p_dev_tlb_inv_dsc of 0x40000000 for 00:02.0, inv_wait_dsc",
    );
  });

  test("there are none in legacy mode, none past the directory, and 0 is not for drivers", () => {
    const legacy = new Machine();
    expect(() => legacy.unit.attach(master(GPU), legacy.domain(), 5)).toThrow(/set_dev_pasid: -EOPNOTSUPP/);
    const machine = scalable();
    for (const pasid of [0, 2 ** 15])
      expect(() => machine.unit.attach(master(GPU), machine.domain(), pasid)).toThrow(
        /-EINVAL: .* is not a PASID/,
      );
  });
});

test("devices 0 to 15 and 16 to 31 of a bus have context tables of their own in scalable mode", () => {
  const machine = new Machine({ mode: "scalable" });
  const sources = [0x00, 0x7f, 0x80, 0xff, 0x1234];
  for (const [i, source] of sources.entries()) mapIn(machine.domain(source), AT, (i + 1) * 0x1000, 0x1000);
  expect(sources.map((source) => machine.reach(AT, source))).toEqual([1, 2, 3, 4, 5].map((i) => i * 0x1000));
});

describe("a domain that is given up", () => {
  test("gives all of its tables back", () => {
    const machine = new Machine();
    const { pages } = machine.system.memory;
    const before = pages.freePageCount();
    const domain = machine.domain();
    mapIn(domain, AT, 0x10_0000, 0x3000);
    mapIn(domain, 2 * AT, 0x10_0000, 0x3000);
    expect(pages.freePageCount()).toBeLessThan(before);
    machine.unit.freeDomain(domain);
    expect(pages.freePageCount()).toBe(before);
  });

  test("is EBUSY while a device goes through it, and nobody walks it afterwards", () => {
    const machine = new Machine();
    const domain = machine.domain(GPU);
    mapIn(domain, AT, 0x10_0000, 0x1000);
    expect(() => machine.unit.freeDomain(domain)).toThrow(
      "iommu_domain_free: -EBUSY: 00:02.0 still goes through it",
    );
    expect(machine.reach(AT)).toBe(0x10_0000);
    machine.unit.attach(master(GPU), "blocked");
    machine.unit.freeDomain(domain);
    machine.unit.freeDomain(domain);
    expect(() => machine.unit.attach(master(GPU), domain)).toThrow(
      "attach_dev: -EINVAL: the domain was given up",
    );
    expect(machine.reach(AT)).toBeNull();
  });
});
