// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { IommuProt, type IommuTable } from "@dmabuf/core/iommu";
import { findTracepoint } from "@dmabuf/core/sim";
import { describe, expect, test } from "vitest";
import type { AtsDevice } from "../../src/v3/ats-device.ts";
import { smmuV3 } from "../../src/v3/smmu-v3-plugin.ts";
import { STE } from "../../src/v3/ste.ts";
import { Machine } from "./machine.ts";

const { READ, WRITE, CACHE, PRIV, MMIO } = IommuProt;

/** The errno that something throws. */
const errnoOf = (run: () => void): string | null => {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
  return null;
};

/** Names of the commands that were consumed while something ran. */
function commandsOf(machine: Machine, run: () => void): string[] {
  const names: string[] = [];
  const { trace } = machine.system.simulation;
  const point = findTracepoint("arm_smmu_v3:command");
  if (point === undefined) throw new TypeError("there is no such tracepoint");
  const stop = trace.subscribe(point, (event) => names.push(event.text("name")));
  run();
  stop();
  return names;
}

describe("probing", () => {
  test("leaves every stream refused, silently, in either kind of stream table (M-42)", () => {
    for (const streamTable of ["two-level", "linear"] as const) {
      const machine = new Machine({ streamTable });
      expect(machine.reach(0x1000)).toBe("STE.Config is abort");
      expect(machine.reach(0x1000, READ, undefined, 0x109)).toBe("STE.Config is abort");
      expect(machine.smmu.hardware.events.length).toBe(0);
    }
  });

  test("a stream of which no device was probed has no table of the second level (M-40)", () => {
    const { hardware } = new Machine().smmu;
    expect(hardware.translate({ streamId: 0x900, address: 0, access: READ }).fault).toBe(
      "C_BAD_STREAMID (0x02)",
    );
    expect(hardware.translate({ streamId: 0x1_0000, address: 0, access: READ }).fault).toBe(
      "C_BAD_STREAMID (0x02)",
    );
  });

  test("a StreamID that does not fit is ERANGE", () => {
    const { smmu } = new Machine({ streamIdBits: 10 });
    expect(errnoOf(() => smmu.probe("far", [0x400]))).toBe("ERANGE");
    expect(smmu.probe("near", [0x3ff])).toEqual([0x3ff]);
  });

  test("a stream table has 2^17 descriptors of level 1 at most (M-40)", () => {
    const { smmu } = new Machine({ streamIdBits: 32 });
    expect(smmu.hardware.streamTable.log2Size).toBe(25);
    expect(smmu.probe("last", [2 ** 25 - 1])).toEqual([2 ** 25 - 1]);
    expect(errnoOf(() => smmu.probe("beyond", [2 ** 25]))).toBe("ERANGE");
  });

  test("the window of software's MSIs is for who takes the device, the DMA API hands it out (M-52, I-1)", () => {
    const { smmu, system } = new Machine();
    expect(smmu.reservedRegions()).toEqual([{ start: 0x800_0000, size: 0x10_0000, kind: "sw-msi" }]);
    const display = system.device("display");
    const size = 0x400_0000;
    const twice = [0, 1].map(() => system.dma.mapPage(display, 0 as never, size, "to-device").dmaAddress);
    expect(twice).toEqual([0xc00_0000, 0x800_0000]);
  });
});

describe("attaching", () => {
  test("takes domains of this SMMU only: EINVAL for another's (M-51)", () => {
    const machine = new Machine();
    const other = new Machine().smmu.allocateDomain();
    expect(errnoOf(() => machine.smmu.attach(machine.nic, other))).toBe("EINVAL");
  });

  test("goes from identity to a domain and back without a moment of V = 0, and one sync less where it can", () => {
    const machine = new Machine();
    const { smmu, nic } = machine;
    const domain = smmu.allocateDomain();
    smmu.attach(nic, "identity");
    const forth = commandsOf(machine, () => smmu.attach(nic, domain));
    expect(forth.filter((name) => name.startsWith("CMD_CFGI_CD"))).toHaveLength(2);
    expect(forth.filter((name) => name === "CMD_CFGI_STE")).toHaveLength(3);
    const back = commandsOf(machine, () => smmu.attach(nic, "identity"));
    expect(back.filter((name) => name === "CMD_CFGI_STE")).toHaveLength(3);
    expect(forth.filter((name) => name === "CMD_SYNC")).toHaveLength(5);
  });

  test("of another domain of stage 1 changes the CD, and not the STE", () => {
    const machine = new Machine();
    const { smmu, nic } = machine;
    machine.map(machine.attached(), 0x1000, 0x10_0000);
    expect(machine.reach(0x1000)).toBe(0x10_0000);
    const next = smmu.allocateDomain();
    machine.map(next, 0x1000, 0x20_0000);
    const commands = commandsOf(machine, () => smmu.attach(nic, next));
    expect(new Set(commands)).toEqual(new Set(["CMD_CFGI_CD", "CMD_SYNC"]));
    expect(machine.access(0x1000)).toMatchObject({ address: 0x20_0000, missing: null });
  });

  test("of a group attaches all its streams", () => {
    const machine = new Machine();
    const domain = machine.smmu.allocateDomain();
    machine.smmu.attach({ devices: ["a", "b"], ids: [0x300, 0x7301], untrusted: false }, domain);
    machine.map(domain, 0x1000, 0x10_0000);
    for (const id of [0x300, 0x7301]) expect(machine.reach(0x1000, READ, undefined, id)).toBe(0x10_0000);
  });

  test("of one domain to two devices lets both through", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.smmu.attach(machine.display, domain);
    machine.map(domain, 0x1000, 0x10_0000);
    expect(machine.reach(0x1000)).toBe(machine.reach(0x1000, READ, undefined, 0x200));
  });
});

describe("a domain", () => {
  test("that is freed gives its ASID back, and its tables, and nothing of it is left in the TLB", () => {
    const machine = new Machine();
    const { smmu, system } = machine;
    const free = system.memory.pages.freePageCount();
    const domain = smmu.allocateDomain();
    smmu.attach(machine.nic, domain);
    machine.map(domain, 0x1000, 0x10_0000);
    machine.reach(0x1000);
    const beforeCdtab = system.memory.pages.freePageCount();
    smmu.attach(machine.nic, "blocked");
    smmu.freeDomain(domain);
    expect(system.memory.pages.freePageCount()).toBeGreaterThan(beforeCdtab);
    expect(free).toBeGreaterThan(beforeCdtab);
    const next = smmu.allocateDomain();
    expect(next.id).toBe(1);
    smmu.attach(machine.nic, next);
    expect(machine.access(0x1000)).toMatchObject({ fault: "F_TRANSLATION (0x10), level 0", missing: null });
    expect(errnoOf(() => smmu.attach(machine.nic, domain))).toBe("EINVAL");
  });

  test.each([
    [[1, 2] as const, "EBUSY"],
    [[2] as const, "ENOSPC"],
  ])("cannot be had when ids run out (%o)", (stages, errno) => {
    const { smmu } = new Machine({ stages, idBits: 8 });
    const domains: IommuTable[] = [];
    const allocateAll = (): void => {
      for (;;) domains.push(smmu.allocateDomain());
    };
    expect([errnoOf(allocateAll), domains.length]).toEqual([errno, 255]);
    smmu.freeDomain(domains[16] as IommuTable);
    expect(smmu.allocateDomain().id).toBe(17);
  });

  test("keeps what a mapping says of memory and of privilege (M-27)", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000, 4096, READ | CACHE);
    machine.map(domain, 0x2000, 0x10_0000, 4096, READ | WRITE | MMIO);
    machine.map(domain, 0x3000, 0x10_0000, 4096, READ | WRITE | PRIV);
    expect(machine.access(0x1000).snooping).toBe("always");
    expect(machine.reach(0x1000, WRITE)).toContain("F_PERMISSION");
    expect(machine.access(0x2000).snooping).toBe("never");
    expect(machine.reach(0x3000)).toContain("F_PERMISSION");
    expect(machine.reach(0x3000, READ | PRIV)).toBe(0x10_0000);
  });

  test("of stage 2 leaves memory types to the device, and takes cacheability away", () => {
    const machine = new Machine({ stages: [2] });
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000, 4096, READ | CACHE);
    machine.map(domain, 0x2000, 0x10_0000, 4096, READ);
    expect([machine.access(0x1000).snooping, machine.access(0x2000).snooping]).toEqual(["device", "never"]);
  });

  test("sends a TLBI for each page that was mapped, one CMD_SYNC, and Leaf 0 where a table goes", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.map(domain, 0x20_0000, 0x20_0000, 0x60_0000);
    machine.map(domain, 0x1000, 0x10_0000, 0x3000);
    expect(commandsOf(machine, () => machine.unmap(domain, 0x20_0000, 0x60_0000))).toEqual([
      ...["CMD_TLBI_NH_VA", "CMD_TLBI_NH_VA", "CMD_TLBI_NH_VA", "CMD_SYNC"],
    ]);
    expect(commandsOf(machine, () => machine.unmap(domain, 0x1000, 0x3000))).toEqual([
      ...["CMD_TLBI_NH_VA", "CMD_TLBI_NH_VA", "CMD_TLBI_NH_VA", "CMD_SYNC"],
    ]);
  });

  test("a block in the place of a table makes the SMMU forget the way there (M-24)", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.map(domain, 0x20_0000, 0x10_0000);
    machine.reach(0x20_0000);
    machine.unmap(domain, 0x20_0000);
    machine.map(domain, 0x20_0000, 0x40_0000, 0x20_0000);
    expect(machine.access(0x20_1000)).toMatchObject({ address: 0x40_1000, missing: null });
  });

  test("takes what was unmapped in lazy mode out with its ASID", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000);
    machine.reach(0x1000);
    domain.unmap(0x1000 as never, 4096);
    expect(machine.access(0x1000).missing).toBe("CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC");
    expect(commandsOf(machine, () => domain.flushAll())).toEqual(["CMD_TLBI_NH_ASID", "CMD_SYNC"]);
    expect(machine.access(0x1000)).toMatchObject({ fault: "F_TRANSLATION (0x10), level 3", missing: null });
  });

  test("with ranges keeps an entry of a block of which a page was unmapped: TTL says 3, the entry is of level 2", () => {
    const machine = new Machine({ rangeInvalidation: true });
    const domain = machine.attached();
    machine.map(domain, 0x20_0000, 0x20_0000, 0x20_0000);
    machine.reach(0x20_0000);
    machine.unmap(domain, 0x20_1000);
    expect(machine.access(0x20_1000)).toMatchObject({
      address: 0x20_1000,
      missing: "CMD_TLBI_NH_VA of 0x201000 for ASID 1, CMD_SYNC",
    });
    const without = new Machine();
    const same = without.attached();
    without.map(same, 0x20_0000, 0x20_0000, 0x20_0000);
    without.reach(0x20_0000);
    without.unmap(same, 0x20_1000);
    expect(without.reach(0x20_1000)).toBe("F_TRANSLATION (0x10), level 3");
  });
});

describe("a substream (PASID)", () => {
  const withPasids = (): Machine => new Machine({ substreamBits: 12 });

  test("has a domain of its own beside what carries none", () => {
    const machine = withPasids();
    const [rid, pasid] = [machine.attached(), machine.smmu.allocateDomain()];
    machine.smmu.attach(machine.nic, pasid, 5);
    machine.map(rid, 0x1000, 0x10_0000);
    machine.map(pasid, 0x1000, 0x20_0000);
    expect([machine.reach(0x1000), machine.reach(0x1000, READ, 5)]).toEqual([0x10_0000, 0x20_0000]);
    expect(machine.reach(0x1000, READ, 6)).toBe("C_BAD_CD (0x0a)");
    expect(machine.reach(0x1000, READ, 2000)).toBe("C_BAD_SUBSTREAMID (0x08)");
    machine.smmu.attach(machine.nic, "blocked", 5);
    expect(machine.access(0x1000, READ, 5)).toMatchObject({ fault: "C_BAD_CD (0x0a)", missing: null });
    expect(machine.reach(0x1000)).toBe(0x10_0000);
  });

  test("of a table of CDs that was not there before is found, though the SMMU knows that it was not", () => {
    const machine = new Machine({ substreamBits: 16 });
    machine.attached();
    expect(machine.reach(0x1000, READ, 5000)).toBe("C_BAD_SUBSTREAMID (0x08)");
    const pasid = machine.smmu.allocateDomain();
    machine.map(pasid, 0x1000, 0x20_0000);
    machine.smmu.attach(machine.nic, pasid, 5000);
    expect(machine.access(0x1000, READ, 5000)).toMatchObject({ address: 0x20_0000, missing: null });
  });

  test.each([
    ["identity", 0x1000],
    ["blocked", "F_STREAM_DISABLED (0x06)"],
  ] as const)("goes on while what carries none is %s, by S1DSS", (domain, reached) => {
    const machine = withPasids();
    const pasid = machine.smmu.allocateDomain();
    machine.map(pasid, 0x1000, 0x20_0000);
    machine.smmu.attach(machine.nic, domain);
    machine.smmu.attach(machine.nic, pasid, 5);
    expect([machine.reach(0x1000), machine.reach(0x1000, READ, 5)]).toEqual([reached, 0x20_0000]);
    machine.attached();
    machine.smmu.attach(machine.nic, domain);
    expect([machine.reach(0x1000), machine.reach(0x1000, READ, 5)]).toEqual([reached, 0x20_0000]);
  });

  test("is refused where there is none, has a domain, or what carries none goes through stage 2 (M-51)", () => {
    const machine = withPasids();
    const { smmu, nic } = machine;
    const domain = smmu.allocateDomain();
    expect(errnoOf(() => smmu.attach(nic, domain, 0))).toBe("EINVAL");
    expect(errnoOf(() => smmu.attach(nic, domain, 4096))).toBe("EINVAL");
    expect(errnoOf(() => smmu.attach(nic, "identity", 1))).toBe("EINVAL");
    smmu.attach(nic, domain, 1);
    expect(errnoOf(() => smmu.attach(nic, domain, 1))).toBe("EBUSY");
    const none = new Machine();
    expect(errnoOf(() => none.smmu.attach(none.nic, none.smmu.allocateDomain(), 1))).toBe("EINVAL");
    const second = new Machine({ stages: [2], substreamBits: 4 });
    const parent = second.attached();
    expect(errnoOf(() => second.smmu.attach(second.nic, parent, 1))).toBe("EINVAL");
  });

  test("is invalidated with its domain, also in the ATC", () => {
    const machine = new Machine({ substreamBits: 4, ats: true });
    const pasid = machine.smmu.allocateDomain();
    machine.attached();
    machine.smmu.attach(machine.nic, pasid, 3);
    machine.map(pasid, 0x1000, 0x20_0000);
    expect(machine.reach(0x1000, READ, 3)).toBe(0x20_0000);
    machine.unmap(pasid, 0x1000);
    expect(machine.access(0x1000, READ, 3)).toMatchObject({ missing: null });
    expect(machine.reach(0x1000, READ, 3)).toContain("F_TRANSLATION");
  });
});

describe("faults", () => {
  test("that stall go to whoever repairs them, with what was wanted (M-54)", () => {
    const seen: unknown[] = [];
    let domain: IommuTable | null = null;
    const machine = new Machine({
      stall: true,
      substreamBits: 4,
      onPageFault(faults, of) {
        seen.push(faults, of === domain);
        machine.map(of, 0x1000, 0x10_0000);
        return "success";
      },
    });
    domain = machine.smmu.allocateDomain();
    machine.attached();
    machine.smmu.attach(machine.nic, domain, 2);
    expect(machine.reach(0x1234, WRITE, 2)).toBe(0x10_0234);
    expect(seen).toEqual([[{ address: 0x1234, access: WRITE, substream: 2, group: 0 }], true]);
  });

  test("that stall are aborted when nobody does, or says that it cannot", () => {
    const nobody = new Machine({ stall: true });
    nobody.attached();
    expect(nobody.reach(0x1000)).toBe("F_TRANSLATION (0x10), level 0, terminated");
    const failing = new Machine({ stall: true, onPageFault: () => "failure" });
    failing.attached();
    expect(failing.reach(0x1000)).toContain("terminated");
    expect(failing.smmu.hardware.stalledTransactions).toBe(0);
  });

  test("of stage 2 nobody can repair", () => {
    let asked = 0;
    const machine = new Machine({
      stall: true,
      stages: [2],
      onPageFault() {
        asked++;
        return "success";
      },
    });
    machine.attached();
    expect(machine.reach(0x1000)).toContain("terminated");
    expect(asked).toBe(0);
  });

  test("of an ATC become page requests, which nobody expects: denied (M-55)", () => {
    const machine = new Machine({ ats: true });
    machine.attached();
    const names = commandsOf(machine, () => machine.reach(0x1000));
    expect(names).toEqual(["CMD_PRI_RESP"]);
    expect(machine.smmu.hardware.pageRequests.length).toBe(0);
  });

  test("that are page requests of a group are answered with the last one", () => {
    const machine = new Machine({ ats: true });
    const { hardware } = machine.smmu;
    const ask = (last: boolean) => () =>
      hardware.ats.requestPage({ streamId: 0x108, substream: 3, address: 0x1000, access: WRITE }, 5, last);
    expect(commandsOf(machine, ask(false))).toEqual([]);
    expect(commandsOf(machine, ask(true))).toEqual(["CMD_PRI_RESP"]);
  });

  test("leave an event in the trace", () => {
    const machine = new Machine();
    machine.attached();
    const point = findTracepoint("arm_smmu_v3:event");
    if (point === undefined) throw new TypeError("there is no such tracepoint");
    const seen: unknown[] = [];
    machine.system.simulation.trace.subscribe(point, (event) =>
      seen.push([event.text("smmu"), event.text("name"), event.get("sid"), event.get("address")]),
    );
    machine.reach(0x1234);
    expect(seen).toEqual([["smmu", "F_TRANSLATION", 0x108, 0x1234]]);
  });
});

describe("ATS", () => {
  test("is on with a domain, and off while a device gets through untranslated (M-51)", () => {
    const machine = new Machine({ ats: true });
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000);
    expect(machine.reach(0x1000)).toBe(0x10_0000);
    machine.smmu.attach(machine.nic, "identity");
    expect(machine.access(0x1000)).toMatchObject({ fault: null, address: 0x1000, missing: null });
    machine.smmu.attach(machine.nic, "blocked");
    expect(machine.access(0x1000)).toMatchObject({ fault: "STE.Config is abort", missing: null });
  });

  test("is not for devices from outside (pci_ats_supported)", () => {
    const machine = new Machine({ ats: true });
    const domain = machine.smmu.allocateDomain();
    machine.smmu.attach({ ...machine.nic, untrusted: true }, domain);
    machine.map(domain, 0x1000, 0x10_0000);
    expect(commandsOf(machine, () => machine.unmap(domain, 0x1000))).not.toContain("CMD_ATC_INV");
    machine.map(domain, 0x1000, 0x10_0000);
    expect(machine.reach(0x1000)).toBe(0x10_0000);
    const asked = machine.smmu.hardware.ats.request({ streamId: 0x108, address: 0x1000, access: READ });
    expect(asked).toEqual({ refused: "F_BAD_ATS_TREQ (0x05)" });
  });

  test("is invalidated after the TLB, each with a CMD_SYNC (M-49)", () => {
    const machine = new Machine({ ats: true });
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000);
    expect(commandsOf(machine, () => machine.unmap(domain, 0x1000))).toEqual([
      ...["CMD_TLBI_NH_VA", "CMD_SYNC", "CMD_ATC_INV", "CMD_SYNC"],
    ]);
  });
});

describe("the command queue of the driver", () => {
  test("goes on behind a command that is in error (arm_smmu_cmdq_skip_err)", () => {
    const machine = new Machine();
    const domain = machine.attached();
    const point = findTracepoint("arm_smmu_v3:command_error");
    const errors: string[] = [];
    if (point !== undefined)
      machine.system.simulation.trace.subscribe(point, (event) => errors.push(event.text("error")));
    machine.smmu.hardware.commands.pushWords(new Uint32Array([0xee, 0, 0, 0]));
    expect(errors).toEqual(["CERROR_ILL"]);
    machine.map(domain, 0x1000, 0x10_0000);
    machine.reach(0x1000);
    machine.unmap(domain, 0x1000);
    expect(machine.reach(0x1000)).toContain("F_TRANSLATION");
    expect(machine.smmu.hardware.commands.error).toBe(0);
  });

  test("goes on when a device does not answer, whose translations stay old", () => {
    const machine = new Machine({ ats: true });
    const domain = machine.attached();
    machine.map(domain, 0x1000, 0x10_0000);
    machine.reach(0x1000);
    const device = machine.smmu.translation(0x108) as AtsDevice;
    device.atc.responds = false;
    machine.unmap(domain, 0x1000);
    expect(machine.smmu.hardware.commands.error).toBe(0);
    expect(machine.access(0x1000).missing).toBe("CMD_ATC_INV of 0x1000 for StreamID 0x108, CMD_SYNC");
  });

  test("gives up when the SMMU stands still: ETIMEDOUT", () => {
    const machine = new Machine();
    const domain = machine.attached();
    machine.smmu.hardware.commandQueueBase = 0x3f0_0000_0000;
    expect(errnoOf(() => domain.flushAll())).toBe("ETIMEDOUT");
  });
});

test("registers can be read and written past the driver", () => {
  const { hardware } = new Machine().smmu;
  hardware.enabled = false;
  expect(hardware.translate({ streamId: 9, address: 0x5000, access: READ }).address).toBe(0x5000);
  expect(STE.get(new Uint32Array(16), "V")).toBe(0);
});

describe("options that no SMMUv3 has are refused in one line:", () => {
  test.each([
    [{ stages: [] }, "smmu.stages: without a stage it translates nothing"],
    [{ stages: [3] as never }, "smmu.stages: 3 is neither stage 1 nor stage 2"],
    [{ nested: true, stages: [1] }, "smmu.nested: a guest's stage 1 on top of stage 2 needs both stages"],
    [{ granules: [] }, "smmu.granules: without a granule there are no tables"],
    [{ granules: ["8KiB"] as never }, 'smmu.granules: "8KiB" is none of 4KiB, 16KiB, 64KiB'],
    [{ outputBits: 41 }, "smmu.outputBits: 41 is none of 32, 36, 40, 42, 44, 48, 52"],
    [{ inputBits: 53 }, "smmu.inputBits: 53 is not a number from 32 to 52"],
    [{ streamIdBits: 0 }, "smmu.streamIdBits: 0 is not a number from 1 to 32"],
    [{ streamIdBits: 17, streamTable: "linear" }, "smmu.streamIdBits: 17 is not a number from 1 to 16"],
    [{ idBits: 12 as never }, "smmu.idBits: 12 is neither 8 nor 16"],
    [{ substreamBits: 21 }, "smmu.substreamBits: 21 is not a number from 0 to 20"],
    [{ eventQueue: 100 }, "smmu.eventQueue: 100 is not 1, 2, 4 ... 2^19"],
    [{ substreamBit: 4 } as never, 'smmu: no option "substreamBit"; did you mean "substreamBits"?'],
    [{ stall: "yes" as never }, 'smmu.stall: "yes" is neither true nor false'],
    [{ omits: ["CMD_TLBI_NH_V"] as never }, 'did you mean "CMD_TLBI_NH_VA"?'],
    [{ streamTable: "tree" as never }, 'smmu.streamTable: "tree" is neither linear nor two-level'],
    [{ omits: ["CMD_TLB"] as never }, 'smmu.omits: "CMD_TLB" is neither a command nor "table clean"'],
  ] as const)("%o", (options, message) => {
    expect(() => smmuV3("smmu", options)).toThrow(message);
  });
});
