// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { IommuGroup } from "../../src/iommu/iommu-group.ts";
import {
  type IommuMaster,
  type IommuTable,
  type IommuUnit,
  PlainTable,
  type ReservedRegion,
} from "../../src/iommu.ts";

/** A unit that notes what is attached, and a group of such devices. */
function grouped(
  devices: readonly string[],
  type: "strict" | "identity" = "strict",
  regions: readonly ReservedRegion[] = [],
) {
  const attached: unknown[] = [];
  const unit: IommuUnit = {
    kind: "noting",
    allocateDomain: () => new PlainTable(),
    attach: (_master: IommuMaster, domain, substream) =>
      void attached.push(substream === undefined ? domain : [substream, domain]),
    translation: () => new PlainTable(),
    reservedRegions: () => regions,
  };
  const group = new IommuGroup(unit, { devices, ids: [1], untrusted: false }, type);
  return { group, attached };
}

describe("the default domain (M-4)", () => {
  test("is made once, when it is first asked for, and attached", () => {
    const { group, attached } = grouped(["a", "b"]);
    expect(attached).toEqual([]);
    const table = group.defaultTable();
    expect(group.defaultTable()).toBe(table);
    expect(attached).toEqual([table]);
  });

  test("of identity is there from the beginning", () => {
    expect(grouped(["a"], "identity").attached).toEqual(["identity"]);
  });

  test("comes back when a driver's domain goes: as it was, or as it began", () => {
    const { group, attached } = grouped(["a"]);
    const own = new PlainTable();
    const table = group.defaultTable();
    group.attach(own);
    group.detach();
    expect(attached).toEqual([table, own, table]);
    const fresh = grouped(["a"]);
    fresh.group.attach(own);
    fresh.group.detach();
    expect(fresh.attached, "nothing was mapped by anybody").toEqual([own, "blocked"]);
    const through = grouped(["a"], "identity");
    through.group.attach(own);
    through.group.detach();
    expect(through.attached).toEqual(["identity", own, "identity"]);
  });

  test("that is made while a driver's is attached waits for its turn", () => {
    const { group, attached } = grouped(["a"]);
    const own = new PlainTable();
    group.attach(own);
    const table = group.defaultTable();
    expect(attached).toEqual([own]);
    group.detach();
    expect(attached).toEqual([own, table]);
  });
});

describe("a driver's own domain", () => {
  test("is EINVAL for one device of a group of several (M-2)", () => {
    expect(() => grouped(["a", "b"]).group.attach(new PlainTable())).toThrow(
      "iommu_attach_device: -EINVAL: a and b are one group, of which one alone cannot be attached",
    );
  });

  test("is EBUSY over another one, and follows a block", () => {
    const { group, attached } = grouped(["a"]);
    const [first, second] = [new PlainTable(), new PlainTable()];
    group.attach(first);
    expect(() => group.attach(second)).toThrow("iommu_attach_device: -EBUSY: a is attached already");
    group.detach();
    group.attach("blocked");
    group.attach(second);
    expect(attached).toEqual([first, "blocked", "blocked", second]);
  });

  test("leaves nothing attached where the IOMMU refuses it", () => {
    const { group } = grouped(["a"]);
    group.unit.attach = () => {
      throw new TypeError("no");
    };
    expect(() => group.attach(new PlainTable())).toThrow("no");
    group.unit.attach = () => {};
    expect(() => group.attach(new PlainTable())).not.toThrow();
  });

  test("that the IOMMU refuses half-way leaves the one before attached", () => {
    const { group, attached } = grouped(["a"]);
    const table = group.defaultTable();
    const full = new PlainTable();
    const { attach } = group.unit;
    group.unit.attach = (master, domain, substream) => {
      attach(master, domain === full ? "blocked" : domain, substream);
      if (domain === full) throw new TypeError("no free domain ids");
    };
    expect(() => group.attach(full)).toThrow("no free domain ids");
    expect(attached).toEqual([table, "blocked", table]);
    expect(() => grouped(["a"], "identity").group.claim()).not.toThrow();
  });

  test("of a PASID is EBUSY over another one, and keeps the group from user space (M-4)", () => {
    const { group } = grouped(["a"]);
    group.attachSubstream(5, new PlainTable());
    expect(() => group.attachSubstream(5, new PlainTable())).toThrow(
      "iommu_attach_device_pasid: -EBUSY: PASID 5 of a is attached already",
    );
    expect(() => group.claim()).toThrow("iommu_device_claim_dma_owner: -EBUSY: a driver uses a");
    group.attachSubstream(5, "blocked");
    expect(() => group.claim()).not.toThrow();
  });

  test("may be one of a PASID, beside the others", () => {
    const { group, attached } = grouped(["a", "b"]);
    const own: IommuTable = new PlainTable();
    group.attachSubstream(5, own);
    group.attachSubstream(5, "blocked");
    expect(attached).toEqual([
      [5, own],
      [5, "blocked"],
    ]);
  });
});

describe("who takes a group for user space (M-4)", () => {
  test("begins with nothing, attaches a domain, and gives it back", () => {
    const { group, attached } = grouped(["a"]);
    const own = new PlainTable();
    group.claim();
    group.attach(own);
    group.detach();
    group.release();
    expect(attached).toEqual(["blocked", own, "blocked", "blocked"]);
    expect(() => group.claim()).not.toThrow();
  });

  test("gets EBUSY when a driver uses the DMA API, or has attached", () => {
    const message = "iommu_device_claim_dma_owner: -EBUSY: a driver uses a or b";
    const { group } = grouped(["a", "b"]);
    group.useDefaultDomain();
    expect(group.usesDmaApi).toBe(true);
    expect(() => group.claim()).toThrow(message);
    const other = grouped(["a"]);
    other.group.attach(new PlainTable());
    expect(() => other.group.claim()).toThrow("-EBUSY");
  });

  test("keeps drivers out of the DMA API meanwhile", () => {
    const { group } = grouped(["a"]);
    group.claim();
    expect(() => group.useDefaultDomain()).toThrow(
      "iommu_device_use_default_domain: -EBUSY: a is somebody's outside of the kernel",
    );
    group.release();
    expect(() => group.useDefaultDomain()).not.toThrow();
  });

  test("gets EINVAL where firmware uses the device's memory, and so does who blocks it (M-6)", () => {
    const region = (kind: ReservedRegion["kind"]) => [{ start: 0x1000, size: 0x1000, kind }];
    const { group, attached } = grouped(["a"], "strict", region("direct"));
    expect(() => group.claim()).toThrow(
      "iommu_device_claim_dma_owner: -EINVAL: firmware needs memory of a mapped",
    );
    expect(() => group.attach("blocked")).toThrow("iommu_attach_device: -EINVAL");
    expect(attached).toEqual([]);
    for (const kind of ["direct-relaxable", "reserved", "msi"] as const)
      expect(() => grouped(["a"], "strict", region(kind)).group.claim()).not.toThrow();
  });
});
