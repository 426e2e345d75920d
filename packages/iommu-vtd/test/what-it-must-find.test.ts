// SPDX-License-Identifier: MIT
// A driver that forgets something: the device still gets through on what it should not, and the answer says what was left out.
import { dmaAddr, physAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import type { VtdOptions } from "../src/index.ts";
import { AT, GPU, Machine, mapIn, master, takeOut, USB } from "./machine.ts";

const { READ, WRITE } = IommuProt;
const scalable: VtdOptions = { mode: "scalable" };

describe("an unmapped page that was in use", () => {
  const missing = (options: VtdOptions): string | null => {
    const machine = new Machine(options);
    const domain = machine.domain(GPU);
    mapIn(domain, AT, 0x10_0000, 0x4000);
    machine.access(AT + 0x1000);
    takeOut(domain, AT, 0x4000);
    const { fault, missing: left } = machine.access(AT + 0x1000);
    expect(fault === null, "it gets through exactly when something is missing").toBe(left !== null);
    return left;
  };

  test("is gone when nothing was forgotten", () => {
    for (const options of [{}, scalable, { deviceTlb: [GPU] }]) expect(missing(options)).toBeNull();
  });

  test("is reached without iotlb_inv_dsc", () => {
    expect(missing({ omits: ["iotlb_inv_dsc"] })).toBe(
      "iotlb_inv_dsc page-selective of 0x40001000 for domain 2, inv_wait_dsc",
    );
  });

  test("is reached without inv_wait_dsc: what was queued need not have happened", () => {
    expect(missing({ omits: ["inv_wait_dsc"] })).toBe(
      "inv_wait_dsc after iotlb_inv_dsc page-selective of 0x40001000 for domain 2",
    );
  });

  test("is reached without p_iotlb_inv_dsc, in first-level tables", () => {
    expect(missing({ ...scalable, omits: ["p_iotlb_inv_dsc"] })).toBe(
      "p_iotlb_inv_dsc page-selective of 0x40001000 for PASID 0 of domain 2, inv_wait_dsc",
    );
    expect(missing({ ...scalable, omits: ["inv_wait_dsc"] })).toMatch(/^inv_wait_dsc after p_iotlb_inv_dsc/);
  });

  test("is reached without dev_tlb_inv_dsc, by a device that keeps translations", () => {
    expect(missing({ deviceTlb: [GPU], omits: ["dev_tlb_inv_dsc"] })).toBe(
      "dev_tlb_inv_dsc of 0x40001000 for 00:02.0, inv_wait_dsc",
    );
    expect(missing({ deviceTlb: [GPU], omits: ["iotlb_inv_dsc", "dev_tlb_inv_dsc"] })).toBe(
      "iotlb_inv_dsc page-selective of 0x40001000 for domain 2, dev_tlb_inv_dsc of 0x40001000 for 00:02.0, inv_wait_dsc",
    );
  });
});

test("a page that may not be written any more is written without the invalidation", () => {
  const machine = new Machine({ omits: ["iotlb_inv_dsc"] });
  const domain = machine.domain(GPU);
  mapIn(domain, AT, 0x10_0000, 0x1000);
  machine.access(AT, WRITE);
  takeOut(domain, AT, 0x1000);
  mapIn(domain, AT, 0x10_0000, 0x1000, READ);
  expect(machine.access(AT, WRITE)).toMatchObject({
    fault: null,
    missing: expect.stringMatching(/^iotlb_inv_dsc/),
  });
});

describe("a table that was taken out", () => {
  /** Maps 2 MiB of small pages and a large one in their place, or takes a whole 2 MiB of them out and maps elsewhere. */
  const walk = (options: VtdOptions) => {
    const machine = new Machine(options);
    const domain = machine.domain(GPU);
    mapIn(domain, AT, 0x10_0000, 0x2000);
    machine.access(AT);
    mapIn(domain, AT, 0x20_0000, 0x20_0000);
    return machine.access(AT + 0x1000);
  };

  test("is not walked any more when the invalidation says that tables have changed", () => {
    expect(walk({})).toMatchObject({ fault: null, address: 0x20_1000, missing: null });
    expect(walk(scalable)).toMatchObject({ fault: null, address: 0x20_1000, missing: null });
  });

  test("is walked with the hint that only leaves have changed", () => {
    expect(walk({ omits: ["IH=0"] })).toMatchObject({
      ...{ fault: null, address: 0x10_1000 },
      missing: "iotlb_inv_dsc page-selective of 0x40001000 for domain 2 with IH=0, inv_wait_dsc",
    });
    expect(walk({ ...scalable, omits: ["IH=0"] })).toMatchObject({
      ...{ fault: null, address: 0x10_1000 },
      missing: "p_iotlb_inv_dsc page-selective of 0x40001000 for PASID 0 of domain 2 with IH=0, inv_wait_dsc",
    });
  });

  test("is not given back before the tables that wait for a lazy flush are forgotten with it", () => {
    const machine = new Machine();
    const domain = machine.domain(GPU);
    const other = AT + 2 ** 30;
    mapIn(domain, AT, 0x10_0000, 0x2000);
    mapIn(domain, other, 0x10_0000, 0x20_0000);
    machine.access(AT);
    machine.access(other);
    domain.unmap(dmaAddr(other), 0x20_0000);
    mapIn(domain, AT, 0x20_0000, 0x20_0000);
    expect(domain.table.unusedTables).toBe(0);
    expect(machine.access(other)).toMatchObject({ fault: expect.stringMatching("0x06"), missing: null });
  });

  test("is walked after all pages of it were unmapped with the hint, and hides what is mapped in its place", () => {
    const unmapped = (options: VtdOptions) => {
      const machine = new Machine(options);
      const domain = machine.domain(GPU);
      mapIn(domain, AT + 0x1000, 0x20_1000, 0x1f_f000);
      machine.access(AT + 0x1000);
      domain.unmap(dmaAddr(AT + 0x1000), 0x1f_f000);
      mapIn(domain, AT, 0x40_0000, 0x20_0000);
      return machine.access(AT);
    };
    expect(unmapped({})).toMatchObject({ fault: null, address: 0x40_0000, missing: null });
    const { fault, missing } = unmapped({ omits: ["IH=0"] });
    expect(fault).toMatch("0x06");
    expect(missing).toMatch("with IH=0");
  });
});

describe("a device that was moved to another domain", () => {
  const moved = (options: VtdOptions) => {
    const machine = new Machine(options);
    const [first, second] = [machine.domain(GPU), machine.domain()];
    mapIn(first, AT, 0x10_0000, 0x1000);
    mapIn(second, AT, 0x20_0000, 0x1000);
    machine.access(AT);
    machine.unit.attach(master(GPU), second);
    return machine.access(AT);
  };

  test("reaches what is mapped there", () => {
    for (const options of [{}, scalable, { cachingMode: true }])
      expect(moved(options)).toMatchObject({ fault: null, address: 0x20_0000, missing: null });
  });

  test("reaches what it had without cc_inv_dsc", () => {
    expect(moved({ omits: ["cc_inv_dsc"] })).toMatchObject({
      ...{ fault: null, address: 0x10_0000 },
      missing: "cc_inv_dsc device-selective of 00:02.0 for domain 2, inv_wait_dsc",
    });
  });

  test("reaches what it had without pc_inv_dsc, in scalable mode", () => {
    expect(moved({ ...scalable, omits: ["pc_inv_dsc"] })).toMatchObject({
      ...{ fault: null, address: 0x10_0000 },
      missing: "pc_inv_dsc of PASID 0 for domain 2, inv_wait_dsc",
    });
  });

  test("is found by the domain id that both have had, one after the other, without iotlb_inv_dsc", () => {
    expect(moved({ omits: ["iotlb_inv_dsc"] })).toMatchObject({
      ...{ fault: null, address: 0x10_0000 },
      missing: "iotlb_inv_dsc page-selective of 0x40000000 for domain 2, inv_wait_dsc",
    });
  });
});

test("a device that is blocked still works without cc_inv_dsc, and the others never did", () => {
  const machine = new Machine({ omits: ["cc_inv_dsc"] });
  mapIn(machine.domain(GPU), AT, 0x10_0000, 0x1000);
  machine.access(AT);
  machine.unit.attach(master(GPU), "blocked");
  expect(machine.access(AT)).toMatchObject({ fault: null, missing: expect.stringMatching(/^cc_inv_dsc/) });
  expect(machine.access(AT, READ, USB).fault).toMatch("0x02");
});

describe("a unit that keeps what is not present (CM)", () => {
  const late = (options: VtdOptions, sync: boolean) => {
    const machine = new Machine({ cachingMode: true, ...options });
    const domain = machine.domain(GPU);
    machine.access(AT);
    domain.map(dmaAddr(AT), physAddr(0x10_0000), 0x1000, READ);
    if (sync) domain.syncMap(dmaAddr(AT), 0x1000);
    return machine.access(AT);
  };

  test("reaches a page that was missing and is mapped, after the driver has told it", () => {
    expect(late({}, true)).toMatchObject({ fault: null, address: 0x10_0000, missing: null });
  });

  test("refuses it before, and says what is missing", () => {
    const { fault, missing } = late({}, false);
    expect(fault).toMatch("0x06");
    expect(missing).toBe("iotlb_inv_dsc page-selective of 0x40000000 for domain 2, inv_wait_dsc");
    expect(late({ omits: ["iotlb_inv_dsc"] }, true).fault).toMatch("0x06");
    expect(late({ omits: ["inv_wait_dsc"] }, true).missing).toMatch(/^inv_wait_dsc after/);
  });

  test("keeps no first-level page that is not there", () => {
    expect(late({ mode: "scalable" }, false)).toMatchObject({ fault: null, address: 0x10_0000 });
  });

  test("keeps context entries that are not there, in domain 0", () => {
    const attached = (options: VtdOptions) => {
      const machine = new Machine({ cachingMode: true, ...options });
      machine.domain(USB);
      expect(machine.access(AT).fault).toMatch("0x02");
      mapIn(machine.domain(GPU), AT, 0x10_0000, 0x1000);
      return machine.access(AT);
    };
    expect(attached({})).toMatchObject({ fault: null, address: 0x10_0000 });
    const { fault, missing } = attached({ omits: ["cc_inv_dsc"] });
    expect(fault).toMatch("0x02");
    expect(missing).toBe("cc_inv_dsc device-selective of 00:02.0 for domain 0, inv_wait_dsc");
  });
});

test("a device from outside keeps no translations, whatever it can", () => {
  const machine = new Machine({ deviceTlb: [GPU], omits: ["dev_tlb_inv_dsc"] });
  const domain = machine.domain();
  machine.unit.attach({ ...master(GPU), untrusted: true }, domain);
  mapIn(domain, AT, 0x10_0000, 0x1000);
  machine.access(AT);
  takeOut(domain, AT, 0x1000);
  expect(machine.access(AT).fault).toMatch("0x06");
});
