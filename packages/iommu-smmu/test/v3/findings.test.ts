// SPDX-License-Identifier: MIT
// What a driver forgets is found under exactly that name.
import type { System } from "@dmabuf/core";
import type { IommuTable } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import type { SmmuV3Omission, SmmuV3Options } from "../../src/v3/smmu-v3-options.ts";
import { found, Machine } from "./machine.ts";

/** Maps a page through the DMA API, lets the device work, unmaps it, and lets it work on. */
function workOn({ dma, device, memory, dmaBuf }: System): void {
  const page = memory.pages.allocatePages(0);
  if (page === null) throw new TypeError("the board has no memory");
  const nic = device("nic");
  const mapping = dma.mapPage(nic, page, 4096, "from-device");
  dmaBuf.transfers.accessAt(nic, mapping.dmaAddress, 4096, "write");
  dma.unmapPage(mapping);
  dmaBuf.transfers.accessAt(nic, mapping.dmaAddress, 4096, "write");
  memory.pages.freePages(page, 0);
}

describe("a device that works on after its page was unmapped", () => {
  test("is an iommu-fault, and nothing else", () => {
    const findings = found({}, workOn);
    expect([...findings.keys()]).toEqual(["iommu-fault"]);
    expect(findings.get("iommu-fault")?.message).toBe(
      "the IOMMU refuses nic to write 0xfffffffff000: F_TRANSLATION (0x10), level 3",
    );
  });

  const rows: readonly (readonly [SmmuV3Omission, SmmuV3Options, string])[] = [
    ["CMD_TLBI_NH_VA", {}, "CMD_TLBI_NH_VA of 0xfffffffff000 for ASID 1, CMD_SYNC"],
    ["CMD_TLBI_NH_VA", { coherentWalk: false }, "CMD_TLBI_NH_VA of 0xfffffffff000 for ASID 1, CMD_SYNC"],
    ["CMD_TLBI_NH_VA", { nested: true }, "CMD_TLBI_NH_VA of 0xfffffffff000 for ASID 1 and VMID 1, CMD_SYNC"],
    ["CMD_TLBI_S2_IPA", { stages: [2] }, "CMD_TLBI_S2_IPA of 0xffffffff000 for VMID 1, CMD_SYNC"],
    ["CMD_ATC_INV", { ats: true }, "CMD_ATC_INV of 0xfffffffff000 for StreamID 0x108, CMD_SYNC"],
  ];
  test.each(rows)("is a stale-translation without %s (%o)", (omission, options, fix) => {
    const stale = found({ ...options, omits: [omission] }, workOn).get("stale-translation");
    expect(stale?.fix).toEqual([fix]);
    expect(stale?.device).toBe("nic");
  });

  test("still reaches it in lazy mode, which is the driver's mistake and no command's (I-5)", () => {
    const findings = found({}, workOn, "lazy");
    expect([...findings.keys()]).toEqual(["dma-api-misuse"]);
  });

  test("is not found twice: a device with an ATC does not lack what the SMMU has", () => {
    expect([...found({ ats: true }, workOn).keys()]).toEqual(["iommu-fault"]);
  });
});

test("nothing of a driver that never sends CMD_SYNC takes effect, and that is what it lacks", () => {
  const findings = found({ omits: ["CMD_SYNC"] }, (system) => {
    const { dma, device, memory, dmaBuf } = system;
    const nic = device("nic");
    const page = memory.pages.allocatePages(0);
    if (page === null) throw new TypeError("the board has no memory");
    // Asked for before there is a domain: from then on the SMMU knows the entry that refuses it.
    system.iommu("smmu").translation(0x108).translate(0, 1);
    const mapping = dma.mapPage(nic, page, 4096, "from-device");
    dmaBuf.transfers.accessAt(nic, mapping.dmaAddress, 4096, "write");
    dma.unmapPage(mapping);
    memory.pages.freePages(page, 0);
  });
  expect(findings.get("stale-translation")?.fix).toEqual(["CMD_SYNC"]);
  const onlyTlb = found({ omits: ["CMD_SYNC"] }, workOn);
  expect(onlyTlb.get("stale-translation")?.fix).toEqual(["CMD_SYNC"]);
});

describe("a driver that changes what a device is attached to", () => {
  test.each([
    ["CMD_CFGI_STE", "CMD_CFGI_STE of StreamID 0x108, CMD_SYNC"],
    ["CMD_SYNC", "CMD_SYNC"],
  ] as const)("leaves the old STE at work without %s", (omission, missing) => {
    const machine = new Machine({ omits: [omission] });
    machine.smmu.attach(machine.nic, "identity");
    expect(machine.reach(0x1000)).toBe(0x1000);
    machine.smmu.attach(machine.nic, "blocked");
    expect(machine.access(0x1000)).toMatchObject({ fault: null, address: 0x1000, missing });
  });

  test("leaves the old CD at work without CMD_CFGI_CD", () => {
    const machine = new Machine({ omits: ["CMD_CFGI_CD"] });
    const domains = [machine.smmu.allocateDomain(), machine.smmu.allocateDomain()] as [
      IommuTable,
      IommuTable,
    ];
    domains.forEach((domain, i) => {
      machine.map(domain, 0x1000, 0x10_0000 * (i + 1));
    });
    machine.smmu.attach(machine.nic, domains[0]);
    expect(machine.reach(0x1000)).toBe(0x10_0000);
    machine.smmu.attach(machine.nic, domains[1]);
    expect(machine.access(0x1000)).toMatchObject({
      address: 0x10_0000,
      missing: "CMD_CFGI_CD of StreamID 0x108, SubstreamID 0, CMD_SYNC",
    });
  });
});

describe("tables that are not cleaned", () => {
  test("are a stale read of the walker that does not snoop", () => {
    const stale = found({ omits: ["table clean"], coherentWalk: false }, workOn).get("stale-read");
    expect(stale?.message).toMatch(/^the table walker of smmu reads the descriptors/);
  });

  test("are none where it snoops, nor where they are cleaned", () => {
    expect(found({ omits: ["table clean"] }, workOn).has("stale-read")).toBe(false);
    for (const options of [{}, { stages: [2] }, { nested: true }] as const)
      expect(found({ coherentWalk: false, ...options }, workOn).has("stale-read")).toBe(false);
  });

  test("are read through stage 2 by a guest's walker, and found there as well", () => {
    const options = { omits: ["table clean"], coherentWalk: false, nested: true } as const;
    expect(found(options, workOn).has("stale-read")).toBe(true);
  });
});
