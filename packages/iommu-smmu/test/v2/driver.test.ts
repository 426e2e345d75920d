// SPDX-License-Identifier: MIT
import { AssemblyError, InputError } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { mmu500, smmuV2 } from "../../src/index.ts";
import type { SmmuV2Options } from "../../src/v2/smmu-v2-options.ts";
import { Machine, map, RW } from "./machine.ts";

const { READ, WRITE, CACHE, MMIO } = IommuProt;

describe("context banks", () => {
  test("are given out one a domain, the ASID is the index, the VMID one more (M-61)", () => {
    for (const stage of [1, 2] as const) {
      const machine = new Machine({ stage }, { a: [1], b: [2] });
      machine.domain(1);
      machine.domain(2);
      const { banks, streams } = machine.unit.smmu;
      expect([streams.s2cr(0), streams.s2cr(1)]).toEqual([0, 1]);
      const registers = banks[1]?.registers;
      if (stage === 1) expect(registers?.ttbr0[1]).toBe(0x1_0000);
      else expect(registers?.cbar).toBe(2);
    }
  });

  test("are ENOSPC when all are taken, and free again with their domain", () => {
    const machine = new Machine({ contextBanks: 2 }, { a: [1], b: [2], c: [3] });
    const first = machine.domain(1);
    machine.domain(2);
    expect(() => machine.domain(3)).toThrow(
      "iommu_attach_device: -ENOSPC: all 2 context banks of smmu0 are taken",
    );
    machine.attach("blocked", 1);
    machine.unit.freeDomain(first);
    expect(machine.unit.smmu.banks[0]?.registers.sctlr).toBe(0);
    const table = machine.domain(3);
    map(table, 0x1000, 0x10_0000, 0x1000);
    expect(machine.access(0x1000, READ, 3).address).toBe(0x10_0000);
  });

  test("that only do stage 2 are not for stage 1", () => {
    const machine = new Machine({ contextBanks: 3, stage2Banks: 2 }, { a: [1], b: [2] });
    machine.domain(1);
    expect(machine.unit.smmu.streams.s2cr(0)).toBe(2);
    expect(() => machine.domain(2)).toThrow("ENOSPC: all 1 context banks");
    const second = new Machine({ contextBanks: 3, stage2Banks: 2, stage: 2 });
    second.domain(1);
    expect(second.unit.smmu.streams.s2cr(0)).toBe(0);
  });

  test("serve several streams of one domain, which is also kept while none is attached", () => {
    const machine = new Machine({}, { a: [1], b: [2] });
    const table = machine.domain(1);
    machine.attach(table, 2);
    map(table, 0x1000, 0x10_0000, 0x1000);
    expect([1, 2].map((id) => machine.access(0x1000, READ, id).address)).toEqual([0x10_0000, 0x10_0000]);
    expect(machine.unit.smmu.banks[1]?.tables).toBe(null);
  });
});

describe("the stage of a domain (M-61)", () => {
  test.each([
    [{}, 1],
    [{ stage: 2 }, 2],
    [{ stages: [2] }, 2],
    [{ stages: [1], stage: 2 }, 1],
  ] as const)("with %j is %i", (options, expected) => {
    const machine = new Machine(options as SmmuV2Options);
    machine.domain();
    expect(machine.unit.smmu.banks[0]?.tables?.format.config.stage).toBe(expected);
  });

  test("decides what goes in and comes out: VA to IPA, or IPA to PA", () => {
    const bits = { vaBits: 32, ipaBits: 40, paBits: 44 };
    const configOf = (stage: 1 | 2) => {
      const machine = new Machine({ ...bits, stage });
      machine.domain();
      return machine.unit.smmu.banks[0]?.tables?.format.config;
    };
    expect(configOf(1)).toMatchObject({ inputBits: 32, outputBits: 40 });
    expect(configOf(2)).toMatchObject({ inputBits: 40, outputBits: 44 });
  });
});

describe("attaching is refused", () => {
  test("with EINVAL for a domain of another SMMU", () => {
    const other = new Machine().unit.allocateDomain();
    expect(() => new Machine().attach(other)).toThrow("EINVAL: the domain is not of smmu0");
  });

  test("with EOPNOTSUPP for a substream", () => {
    const { unit } = new Machine();
    const master = { devices: ["dma"], ids: [1], untrusted: false };
    expect(() => unit.attach(master, "blocked", 3)).toThrow("EOPNOTSUPP");
  });
});

describe("accesses snoop as the mapping says", () => {
  const snooping = (options: SmmuV2Options, prot: number): string => {
    const machine = new Machine(options);
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000, prot);
    return machine.access(0x1000).snooping;
  };
  test("in stage 1: write-back always, non-cacheable and device memory never", () => {
    expect([RW | CACHE, RW, RW | MMIO].map((prot) => snooping({}, prot))).toEqual([
      "always",
      "never",
      "never",
    ]);
  });

  test("and not at all what is write-back and shared with nobody", () => {
    const machine = new Machine();
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000, RW | CACHE);
    const format = machine.unit.smmu.banks[0]?.tables?.format as unknown as {
      attributesOf: (low: number, high: number) => object;
    };
    const { attributesOf } = format;
    // SH[1:0] in bits 9:8; the driver never leaves them 0.
    format.attributesOf = (low, high) => attributesOf(low & ~0x300, high);
    expect(machine.access(0x1000).snooping).toBe("never");
  });

  test("in stage 2 only weaker than the device says", () => {
    const stage = { stage: 2 } as const;
    expect([RW | CACHE, RW, RW | MMIO].map((prot) => snooping(stage, prot))).toEqual([
      "device",
      "never",
      "never",
    ]);
  });

  test("past it as the device says, or as the S2CR does", () => {
    const past = (bypass?: SmmuV2Options["bypass"]): [s2cr: number, snooping: string] => {
      const machine = new Machine(bypass === undefined ? {} : { bypass });
      machine.attach("identity");
      return [machine.unit.smmu.streams.s2cr(0), machine.access(0x1000).snooping];
    };
    expect(past()).toEqual([0x1_0000, "device"]);
    // MemAttr in 15:12, MTCFG bit 11, SHCFG in 9:8.
    expect(past({ type: "normal-wb", shareability: "inner" })).toEqual([0x1_fa00, "always"]);
    expect(past({ type: "normal-wb", shareability: "non" })).toEqual([0x1_fb00, "never"]);
    expect(past({ type: "normal-nc", shareability: "outer" })).toEqual([0x1_5900, "never"]);
    expect(past({ type: "device", shareability: "outer" })).toEqual([0x1_1900, "never"]);
  });
});

describe("devices that one register matches", () => {
  const wide = 0x7_0010;
  test("are one group, and it is said that they are not isolated", () => {
    const machine = new Machine({}, { dma: [wide], pci: [0x13], alone: [0x18] });
    expect(machine.system.iommuGroup("pci")?.master.devices).toEqual(["dma", "pci"]);
    expect(machine.system.iommuGroup("alone")?.master.devices).toEqual(["alone"]);
    const table = machine.unit.allocateDomain();
    machine.unit.attach({ devices: ["dma", "pci"], ids: [wide, 0x13], untrusted: false }, table);
    map(table, 0x1000, 0x10_0000, 0x1000);
    expect([0x10, 0x13, 0x17].map((id) => machine.access(0x1000, READ, id).address)).toEqual([
      0x10_0000, 0x10_0000, 0x10_0000,
    ]);
  });

  test("and another in part are a board that does not boot", () => {
    expect(() => new Machine({}, { one: [0x10], many: [wide] })).toThrow(
      "iommu_probe_device: -EINVAL: many's 0x10 mask 0x7 and one's 0x10 mask 0x0 match the same streams",
    );
  });

  test("or that none is left for", () => {
    const boot = () => new Machine({ streamMatches: 2 }, { a: [1], b: [2], c: [3] });
    expect(boot).toThrow(AssemblyError);
    expect(boot).toThrow("all 2 stream match registers are taken, none is left for c");
  });
});

describe("options that no SMMUv2 has are an InputError", () => {
  test.each([
    [{ contextBanks: 0 }, "smmu0.contextBanks: 0 is not a whole number from 1 to 128"],
    [{ streamMatches: 129 }, "smmu0.streamMatches: 129 is not a whole number from 1 to 128"],
    [{ stage2Banks: 17 }, "smmu0.stage2Banks: 17 are more than the 16 there are"],
    [{ streamIdBits: 17 }, "smmu0.streamIdBits"],
    [{ streamMatchMask: 0x8000 }, "smmu0.streamMatchMask"],
    [{ stages: [] }, "smmu0.stages: without a stage it translates nothing"],
    [{ granules: [] }, "smmu0.granules"],
    [{ granules: ["8KiB"] }, 'smmu0.granules: "8KiB" is none of 4KiB, 16KiB, 64KiB'],
    [{ contextBank: 3 }, 'smmu0: no option "contextBank"; did you mean "contextBanks"?'],
    [{ stage: 3 }, "smmu0.stage: 3 is none of 1, 2"],
    [{ stages: [1], stage2Banks: 16 }, "smmu0.stage2Banks: no context bank is left for stage 1"],
    [{ unidentified: "by" }, 'smmu0.unidentified: "by" is none of fault, bypass'],
    [{ bypass: { type: "wb" } }, 'smmu0.bypass.type: "wb" is none of device, normal-nc, normal-wb'],
    [{ forbidden: {} }, "smmu0.forbidden: a list of ranges is needed"],
    [{ omits: ["TLBIV"] }, 'did you mean "TLBIVA"?'],
    [{ paBits: 39 }, "smmu0.paBits: 39 is none of 32, 36, 40, 42, 44, 48, 52"],
    [{ omits: ["TLBI"] }, 'smmu0.omits: "TLBI" is none of TLBIVA, TLBIVAL'],
  ])("%j", (options, message) => {
    expect(() => smmuV2("smmu0", options as SmmuV2Options)).toThrow(InputError);
    expect(() => mmu500("smmu0", options as SmmuV2Options)).toThrow(message);
  });
});

test("stage 1 lets a page be read that is mapped for writes alone (M-27)", () => {
  const machine = new Machine();
  map(machine.domain(), 0x1000, 0x10_0000, 0x1000, WRITE);
  expect(machine.access(0x1000, READ).fault).toBe(null);
});
