// SPDX-License-Identifier: MIT
import { AssemblyError, type BoardDescription, InputError, KernelError, type PhysAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { type VtdOptions, vtd } from "../src/index.ts";
import { AT, GPU, Machine, master, USB } from "./machine.ts";

const { READ } = IommuProt;

const board = (gpu: Partial<BoardDescription["devices"][string]>): BoardDescription => ({
  model: "a machine",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    gpu: { class: "gpu", coherent: true, iommu: { unit: "dmar0", ids: [GPU] }, ...gpu },
    nic: { class: "nic", coherent: true, iommu: { unit: "dmar0", ids: [USB] } },
  },
});

describe("memory that firmware goes on using (RMRR)", () => {
  const rmrr = [{ ids: [GPU, USB], base: 0x8000_0000, size: "64KiB" }];
  const booted = () => new Machine({ rmrr }, { with: board({}) });

  test("is mapped to itself in the domain of the DMA API, and never handed out (M-6)", () => {
    const { system } = booted();
    const gpu = system.device("gpu");
    const page = system.memory.pages.allocatePages(0);
    const mapping = system.dma.mapPage(gpu, page as PhysAddr, 0x1000, "bidirectional");
    const { translation } = gpu;
    expect(translation?.translate(0x8000_1234, READ)).toMatchObject({ fault: null, address: 0x8000_1234 });
    expect(translation?.translate(0x8001_0000, READ).fault).not.toBeNull();
    system.dma.unmapPage(mapping);
  });

  test("keeps others from taking a device, unless it is graphics or USB, which need it no more", () => {
    const { system } = booted();
    expect(() => system.iommuGroup("nic")?.claim()).toThrow(
      /iommu_device_claim_dma_owner: -EINVAL: firmware needs .*nic/,
    );
    system.iommuGroup("gpu")?.claim();
    expect(system.device("gpu").translation?.translate(0x8000_0000, READ).fault).not.toBeNull();
  });

  test("is told with the range of interrupts", () => {
    expect(booted().unit.reservedRegions(master(GPU))).toEqual([
      { start: 0x8000_0000, size: 0x1_0000, kind: "direct-relaxable" },
      { start: 0xfee0_0000, size: 0x10_0000, kind: "msi" },
    ]);
    expect(booted().unit.reservedRegions({ devices: ["nic"], ids: [0x33], untrusted: false })).toHaveLength(
      1,
    );
  });
});

describe("a graphics unit that the kernel leaves off", () => {
  test.each<VtdOptions>([{ igfxOff: true }, { igfxQuirk: "g4x" }, { igfxQuirk: "broadwell" }])(
    "%o",
    (options) => {
      const machine = new Machine(options);
      const gpu = machine.system.device("gpu");
      expect(gpu.iommu).toBeNull();
      expect(machine.access(AT)).toMatchObject({ fault: null, address: AT });
      expect(machine.unit.reservedRegions(master(GPU))).toEqual([]);
      expect(() => machine.unit.allocateDomain()).toThrow(
        new KernelError("ENODEV", "domain_alloc_paging", "dmar0 is off"),
      );
      expect(() => machine.unit.attach(master(GPU), "blocked")).toThrow(/ENODEV/);
    },
  );

  test("cannot keep a device out that is untrusted", () => {
    const untrusted = () => new Machine({ igfxOff: true }, { with: board({ untrusted: true }) });
    expect(untrusted).toThrow(AssemblyError);
  });
});

test("Ironlake's graphics is flushed strictly, unless it runs untranslated", () => {
  const lazy = (domain: "lazy" | "identity", options: VtdOptions) =>
    new Machine(options, { with: board({ iommu: { unit: "dmar0", ids: [GPU], domain } }) }).system.device(
      "gpu",
    );
  expect(lazy("lazy", {}).iommu?.domain.isLazy).toBe(true);
  expect(lazy("lazy", { igfxQuirk: "ironlake" }).iommu?.domain.isLazy).toBe(false);
  expect(lazy("identity", { igfxQuirk: "ironlake" }).iommu).toBeNull();
});

test("a device outside of the scope is refused at boot", () => {
  expect(() => new Machine({ scope: [GPU] })).toThrow(
    new AssemblyError("usb: 00:14.0 is not in the scope of dmar0"),
  );
  new Machine({ scope: [GPU, USB] });
});

describe("options that no hardware has", () => {
  test.each<readonly [VtdOptions, string]>([
    [{ stage: "first-level" }, "dmar0: first-level tables need scalable mode"],
    [{ mode: "scalable", addressWidth: 39 }, "dmar0: first-level tables translate 48 or 57 bits, not 39"],
    [{ hostAddressWidth: 60 }, "dmar0.hostAddressWidth: 60 is not a whole number from 32 to 52"],
    [{ domainIds: 3 }, "dmar0.domainIds: 3 is not a whole number from 16 to 65536"],
    [{ faultRegisters: 0 }, "dmar0.faultRegisters: 0 is not a whole number from 1 to 256"],
    [{ scope: [0x1_0000] }, "dmar0: 65536 is no requester id, which has 16 bits"],
    [
      { rmrr: [{ ids: [GPU], base: 0x8000_0100, size: 4096 }] },
      "dmar0: rmrr[0] is not made of whole pages: base 0x80000100, 4096 bytes",
    ],
    [
      { rmrr: [{ ids: [GPU], base: -4096, size: 4096 }] },
      "dmar0: rmrr[0] is not made of whole pages: base 0x-1000, 4096 bytes",
    ],
    [{ scop: [1] } as VtdOptions, 'dmar0: no option "scop"; did you mean "scope"?'],
    [
      { mode: "scaleable" as never },
      'dmar0.mode: "scaleable" is none of legacy, scalable; did you mean "scalable"?',
    ],
    [{ addressWidth: 40 as never }, "dmar0.addressWidth: 40 is none of 39, 48, 57"],
    [{ superpages: ["2M" as never] }, 'dmar0.superpages: "2M" is none of 2MiB, 1GiB'],
    [{ igfxQuirk: "haswell" as never }, 'dmar0.igfxQuirk: "haswell" is none of g4x, ironlake, broadwell'],
    [
      { omits: ["iotlb_inv" as never] },
      'dmar0.omits: "iotlb_inv" is none of cc_inv_dsc, pc_inv_dsc, iotlb_inv_dsc',
    ],
  ])("%o", (options, message) => {
    const make = () => vtd("dmar0", options);
    expect(make).toThrow(InputError);
    expect(make).toThrow(message);
  });

  test("a size that is none", () => {
    expect(() => vtd("dmar0", { rmrr: [{ ids: [GPU], base: 0, size: "64 kilos" }] })).toThrow(InputError);
  });
});

describe("events", () => {
  const of = ({ system }: Machine, name: string): string[] =>
    [...system.simulation.trace.events()].filter(({ point }) => point.name === name).map(String);

  test("every descriptor that is queued, with its words", () => {
    const machine = new Machine();
    machine.unit.attach(master(GPU), "identity");
    machine.unit.attach(master(GPU), "blocked");
    const submitted = of(machine, "qi_submit");
    const text = (type: string, words: string): string => `qi_submit: type=${type} iommu=dmar0 ${words}`;
    const wait = text("inv_wait_dsc", "qw0_low=0x25 qw0_high=0x2 qw1_low=0x0 qw1_high=0x0");
    expect(submitted).toEqual([
      text("cc_inv_dsc", "qw0_low=0x10031 qw0_high=0x10 qw1_low=0x0 qw1_high=0x0"),
      wait,
      text("iotlb_inv_dsc", "qw0_low=0x10022 qw0_high=0x0 qw1_low=0x0 qw1_high=0x0"),
      wait,
    ]);
  });

  test("every fault that is recorded, and one that is lost when there is no register", () => {
    const machine = new Machine({ faultRegisters: 2 });
    for (const at of [1, 2, 3]) machine.access(at * 0x1000);
    const recording = machine.unit.driver?.faults.recording;
    expect([recording?.pending, recording?.overflow]).toEqual([true, true]);
    expect(of(machine, "primary_fault")).toEqual([
      "primary_fault: iommu=dmar0 source=0x10 pasid=-1 address=0x1000 read=true reason=0x1",
      "primary_fault: iommu=dmar0 source=0x10 pasid=-1 address=0x2000 read=true reason=0x1",
    ]);
    expect(of(machine, "primary_fault_overflow")).toHaveLength(1);
    machine.system.simulation.run();
    expect([recording?.pending, recording?.overflow]).toEqual([false, false]);
  });
});
