// SPDX-License-Identifier: MIT
import { assemble, type DeviceDescription, dmaAddr, KernelError, physAddr } from "@dmabuf/core";
import { type IommuMaster, IommuProt, type IommuTable } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { etnavivV1, etnavivV2, gpuMmu, limaMmu, maliMmu, mmuIommu, v3dMmu } from "../src/index.ts";

const RW = IommuProt.READ | IommuProt.WRITE;
const gpu: DeviceDescription = { class: "gpu", coherent: false, iommu: { unit: "gpu_mmu", ids: [0] } };

const boot = (mmu = gpuMmu(), device: DeviceDescription = gpu) =>
  assemble({ model: "a GPU's only MMU", memory: [{ base: 0, size: "32MiB" }], devices: { gpu: device } }, [
    toyArch(),
    mmuIommu("gpu_mmu", { mmu }),
  ]).boot();

const refusal = (does: () => void): string => {
  try {
    does();
  } catch (error) {
    if (error instanceof KernelError) return error.message;
    throw error;
  }
  return expect.fail("it was accepted");
};

describe("a platform that puts the DMA API on the GPU's only MMU (D23)", () => {
  test("gives two processes one domain: each reaches what is mapped for the other", () => {
    const system = boot();
    const { dma, dmaBuf, memory } = system;
    const device = system.device("gpu");
    const page = () => memory.pages.allocatePages(0) ?? expect.fail();
    const [a, b] = [0, 1].map(() => dma.mapPage(device, page(), 4096, "bidirectional"));
    for (const mapping of [a, b])
      expect(dmaBuf.transfers.accessAt(device, mapping?.dmaAddress ?? -1, 4096, "write")).toBe(4096);
  });

  test("leaves no choice of addresses: what a process would like is not mapped", () => {
    const system = boot();
    const device = system.device("gpu");
    const page = system.memory.pages.allocatePages(0) ?? expect.fail();
    const { dmaAddress } = system.dma.mapPage(device, page, 4096, "bidirectional");
    expect(dmaAddress).not.toBe(0x1000_0000);
    expect(system.dmaBuf.transfers.accessAt(device, 0x1000_0000, 4096, "write")).toBe(0);
  });

  test("owns the group: somebody else who wants it is told EBUSY (M-4)", () => {
    const system = boot();
    const page = system.memory.pages.allocatePages(0) ?? expect.fail();
    system.dma.mapPage(system.device("gpu"), page, 4096, "bidirectional");
    const group = system.iommuGroup("gpu") ?? expect.fail();
    expect(refusal(() => group.claim())).toContain("-EBUSY: a driver uses gpu");
  });

  test("a driver that owns it by itself can switch, one attach at a time", () => {
    const system = boot();
    const unit = system.iommu("gpu_mmu");
    const group = system.iommuGroup("gpu") ?? expect.fail();
    const [a, b] = [unit.allocateDomain(), unit.allocateDomain()];
    a.map(dmaAddr(0x1000_0000), physAddr(0x1000), 4096, RW);
    b.map(dmaAddr(0x1000_0000), physAddr(0x2000), 4096, RW);
    const at = () => unit.translation(0).translate(0x1000_0000, RW).address;
    group.attach(a);
    expect(at()).toBe(0x1000);
    expect(refusal(() => group.attach(b))).toContain("-EBUSY");
    group.detach();
    group.attach(b);
    expect(at()).toBe(0x2000);
  });
});

test("the unit takes domains of its own alone, no PASIDs, and lets nothing through untranslated", () => {
  const system = boot(maliMmu());
  const unit = system.iommu("gpu_mmu");
  const master = { devices: ["gpu"], ids: [0], untrusted: false };
  expect(refusal(() => unit.attach(master, "identity"))).toContain(
    "-EINVAL: gpu: the Mali MMU lets nothing through untranslated",
  );
  expect(refusal(() => unit.attach(master, {} as IommuTable))).toContain("did not make this domain");
  expect(refusal(() => unit.attach(master, unit.allocateDomain(), 3))).toContain("-EOPNOTSUPP");
});

test("whatever the board asks for, the domain is a strict one", () => {
  for (const domain of ["lazy", "identity"] as const) {
    const system = boot(v3dMmu(), { ...gpu, iommu: { unit: "gpu_mmu", ids: [0], domain } });
    expect(system.iommuGroup("gpu")?.defaultType).toBe("strict");
  }
});

test("MMUv1 as an IOMMU has addresses from 2 GiB on, and its linear window is open to everybody", () => {
  const system = boot(etnavivV1(), { ...gpu, addressBits: 32 });
  const device = system.device("gpu");
  const page = system.memory.pages.allocatePages(0) ?? expect.fail();
  const { dmaAddress } = system.dma.mapPage(device, page, 4096, "bidirectional");
  expect(dmaAddress).toBeGreaterThanOrEqual(0x8000_0000);
  expect(system.dmaBuf.transfers.accessAt(device, dmaAddress, 4096, "write")).toBe(4096);
  expect(system.dmaBuf.transfers.accessAt(device, 0x1000, 4096, "write")).toBe(4096);
});

describe("the one MMU", () => {
  test("has two devices behind it as one group, whatever their ids: there is one set of tables", () => {
    const mmu = mmuIommu("gpu_mmu", { mmu: maliMmu() });
    const devices = {
      gpu: { ...gpu, iommu: { unit: "gpu_mmu", ids: [1] } },
      job: { ...gpu, iommu: { unit: "gpu_mmu", ids: [2] } },
    };
    const board = { model: "two", memory: [{ base: 0, size: "32MiB" }], devices } as const;
    const { iommuGroup, dma, dmaBuf, device, memory } = assemble(board, [toyArch(), mmu]).boot();
    expect(iommuGroup("job")).toBe(iommuGroup("gpu"));
    const mapped = (["gpu", "job"] as const).map((name) => {
      const page = memory.pages.allocatePages(0) ?? expect.fail();
      return [name, dma.mapPage(device(name), page, 4096, "bidirectional").dmaAddress] as const;
    });
    for (const [name, address] of mapped)
      expect(dmaBuf.transfers.accessAt(device(name), address, 4096, "write")).toBe(4096);
  });

  test("gives the tables of a domain back that is given up", () => {
    const system = boot(maliMmu());
    const unit = system.iommu("gpu_mmu");
    const { pages } = system.memory;
    const before = pages.freePageCount();
    const domain = unit.allocateDomain();
    domain.map(dmaAddr(0x1000_0000), physAddr(0x1000), 4096, RW);
    expect(pages.freePageCount()).toBeLessThan(before);
    unit.freeDomain?.(domain);
    expect(pages.freePageCount()).toBe(before);
  });

  test("takes no domain that was given up, and gives none up twice", () => {
    const group: IommuMaster = { devices: ["gpu"], ids: [0], untrusted: false };
    for (const mmu of [etnavivV1(), etnavivV2(), gpuMmu(), limaMmu(), maliMmu(), v3dMmu()]) {
      const unit = boot(mmu).iommu("gpu_mmu");
      const domain = unit.allocateDomain();
      unit.freeDomain?.(domain);
      unit.freeDomain?.(domain);
      expect(refusal(() => unit.attach(group, domain))).toContain("-EINVAL: gpu:");
    }
  });

  test("lets a blocked device at nothing, MMUv1 neither but for its linear window", () => {
    const unit = boot(etnavivV1()).iommu("gpu_mmu");
    const domain = unit.allocateDomain();
    const group: IommuMaster = { devices: ["gpu"], ids: [0], untrusted: false };
    unit.attach(group, domain);
    domain.map(dmaAddr(2 ** 31), physAddr(0x10_0000), 4096, RW);
    const at = () => unit.translation(0).translate(2 ** 31, RW).fault;
    expect(at()).toBeNull();
    unit.attach(group, "blocked");
    expect(at()).toBe("no job of an address space runs");
  });
});
