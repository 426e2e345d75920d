// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { type VtdOptions, vtd } from "../src/index.ts";
import { AT, GPU, Machine, mapIn, master, READ_WRITE, USB } from "./machine.ts";

const { CACHE } = IommuProt;
const CACHED = READ_WRITE | CACHE;

describe("what an access with No Snoop does", () => {
  const snooping = (options: VtdOptions, prot: number, enforce = false) => {
    const machine = new Machine(options);
    const domain = machine.domain(GPU);
    if (enforce) expect(domain.enforceCacheCoherency()).toBe(options.snoopControl !== false);
    mapIn(domain, AT, 0x10_0000, 0x1000, prot);
    return machine.access(AT).snooping;
  };

  test("is the device's affair, as long as nobody enforces snooping", () => {
    expect(snooping({}, CACHED)).toBe("device");
    expect(snooping({ mode: "scalable" }, CACHED)).toBe("device");
  });

  test("is to snoop in a domain that enforces it: by SNP, or by PGSNP", () => {
    expect(snooping({}, READ_WRITE, true)).toBe("always");
    expect(snooping({ mode: "scalable" }, READ_WRITE, true)).toBe("always");
    expect(snooping({ mode: "scalable", stage: "second-level" }, READ_WRITE, true)).toBe("always");
  });

  test("is to snoop for what is mapped cacheable, with a driver from before 5.19", () => {
    expect(snooping({ snoop: "cacheable" }, CACHED)).toBe("always");
    expect(snooping({ snoop: "cacheable" }, READ_WRITE)).toBe("device");
    expect(snooping({ snoop: "cacheable", snoopControl: false }, CACHED)).toBe("device");
  });

  test("cannot be enforced without Snoop Control", () => {
    expect(snooping({ snoopControl: false }, CACHED, true)).toBe("device");
  });
});

describe("enforcing cache coherency (M-71)", () => {
  test("comes too late for second-level tables in which something was mapped, and never for first-level ones", () => {
    const second = new Machine();
    const domain = second.domain(GPU);
    mapIn(domain, AT, 0x10_0000, 0x1000);
    expect(domain.enforceCacheCoherency()).toBe(false);
    const first = new Machine({ mode: "scalable" });
    const other = first.domain(GPU);
    mapIn(other, AT, 0x10_0000, 0x1000);
    expect(first.access(AT).snooping).toBe("device");
    expect(other.enforceCacheCoherency()).toBe(true);
    expect(first.access(AT)).toMatchObject({ snooping: "always", missing: null });
  });

  test("reaches a device that has kept what the PASID entry said, and is found where it is not told", () => {
    for (const omits of [["pc_inv_dsc"], ["p_iotlb_inv_dsc"], ["dev_tlb_inv_dsc"]] as const) {
      const machine = new Machine({ mode: "scalable", deviceTlb: [GPU], omits });
      const domain = machine.domain(GPU);
      mapIn(domain, AT, 0x10_0000, 0x1000);
      machine.access(AT);
      domain.enforceCacheCoherency();
      expect(machine.access(AT).missing, omits[0]).toMatch(omits[0]);
    }
  });

  test("needs Snoop Control of all units that the domain is attached to", () => {
    const machine = new Machine({}, { others: [vtd("dmar1", { snoopControl: false })] });
    const domain = machine.domain(GPU);
    machine.unitNamed("dmar1").attach(master(USB), domain);
    expect(domain.enforceCacheCoherency()).toBe(false);
  });

  test("keeps the domain from units without it afterwards: EINVAL", () => {
    const machine = new Machine({}, { others: [vtd("dmar1", { snoopControl: false }), vtd("dmar2")] });
    const domain = machine.domain(GPU);
    expect(domain.enforceCacheCoherency()).toBe(true);
    expect(() => machine.unitNamed("dmar1").attach(master(USB), domain)).toThrow(
      new KernelError("EINVAL", "attach_dev", "dmar1 has no Snoop Control, and the domain enforces snooping"),
    );
    machine.unitNamed("dmar2").attach(master(USB), domain);
  });
});
