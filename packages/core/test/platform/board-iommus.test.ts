// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { dmaAddr, physAddr } from "../../src/address.ts";
import { assemble, type BoardDescription, type DeviceDescription, type System } from "../../src/index.ts";
import type { ReservedRegion } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { type ToyUnit, type ToyUnitOptions, toyUnit } from "../iommu/toy-unit.ts";

type Given = Partial<DeviceDescription> & {
  readonly ids?: readonly number[];
  readonly domain?: "strict" | "lazy" | "identity";
};

/** A board whose devices are behind the toy IOMMU `mmu`. */
function boardOf(devices: Record<string, Given>, rest: Partial<BoardDescription> = {}): BoardDescription {
  const described = Object.entries(devices).map(([name, { ids, domain, ...given }], i) => {
    const iommu = { unit: "mmu", ids: ids ?? [i + 1], ...(domain === undefined ? {} : { domain }) };
    return [name, { class: "dma", coherent: false, iommu, ...given }] as const;
  });
  return {
    model: "grouped",
    memory: [{ base: 0, size: "16MiB" }],
    devices: Object.fromEntries(described),
    ...rest,
  };
}

function platformOf(board: BoardDescription, options: ToyUnitOptions = {}) {
  const units: ToyUnit[] = [];
  const platform = assemble(board, [toyArch(), toyUnit("mmu", options, (unit) => units.push(unit))]);
  return { platform, units };
}

const booted = (...of: Parameters<typeof platformOf>): System => platformOf(...of).platform.boot();

/** Maps a page of the board's for a device. */
const mapped = ({ dma, device }: System, name: string, page = 0x5000) =>
  dma.mapPage(device(name), physAddr(page), 4096, "bidirectional");

const reach = ({ dmaBuf, device }: System, name: string, address: number): number =>
  dmaBuf.transfers.accessAt(device(name), address, 64, "read");

describe("devices that the IOMMU cannot tell apart (M-2)", () => {
  test("share a group and a domain: what is mapped for one is reached by the other", () => {
    const system = booted(boardOf({ a: { ids: [1, 2] }, b: { ids: [3, 2] }, c: { ids: [4] } }));
    expect(system.iommuGroup("a")).toBe(system.iommuGroup("b"));
    expect(system.iommuGroup("a")?.master).toEqual({ devices: ["a", "b"], ids: [1, 2, 3], untrusted: false });
    const { dmaAddress } = mapped(system, "a");
    expect([
      reach(system, "a", dmaAddress),
      reach(system, "b", dmaAddress),
      reach(system, "c", dmaAddress),
    ]).toEqual([64, 64, 0]);
    expect(system.device("a").iommu?.domain).toBe(system.device("b").iommu?.domain);
  });

  test("are named in the board's order, whoever connects them", () => {
    const system = booted(boardOf({ a: { ids: [1] }, b: { ids: [2] }, c: { ids: [1] }, d: { ids: [2, 1] } }));
    expect(system.iommuGroup("b")?.master).toEqual({
      devices: ["a", "b", "c", "d"],
      ids: [1, 2],
      untrusted: false,
    });
  });

  test("so do those that only a third one connects", () => {
    const system = booted(boardOf({ a: { ids: [1] }, b: { ids: [2] }, c: { ids: [1, 2] } }));
    expect(system.iommuGroup("b")?.master.devices).toEqual(["a", "b", "c"]);
  });

  test("so do the parts of one function", () => {
    const part = { function: "0000:00:02.0", ids: [7] };
    const system = booted(boardOf({ gpu: part, display: part, other: { ids: [8] } }));
    expect(system.iommuGroup("gpu")).toBe(system.iommuGroup("display"));
    expect(system.iommuGroup("other")?.master.devices).toEqual(["other"]);
  });

  test("are told of as not isolated, unless they are one device", () => {
    const found = (devices: Record<string, Given>) =>
      platformOf(boardOf(devices))
        .platform.inspect(function* (system) {
          system.dma.unmapPage(mapped(system, "a"));
          yield 0;
        })
        .findings.filter(({ code }) => code !== "needless-maintenance")
        .map(({ code, severity, message }) => [code, severity, message]);
    expect(found({ a: { ids: [0x10] }, b: { ids: [0x20, 0x10] } })).toEqual([
      [
        "not-isolated",
        "warning",
        "mmu does not tell a, b apart by their ids, such as 0x10: each reaches what is mapped for the others (M-2)",
      ],
    ]);
    expect(found({ a: { ids: [1] }, b: { ids: [2] } })).toEqual([]);
    expect(found({ a: { ids: [1], function: "f" }, b: { ids: [1], function: "f" } })).toEqual([]);
  });

  test("have one bus limit each, although they share their addresses", () => {
    const system = booted(boardOf({ wide: { ids: [1] }, narrow: { ids: [1], limit: "1MiB" } }));
    expect(mapped(system, "wide").dmaAddress).toBeGreaterThan(2 ** 31);
    expect(mapped(system, "narrow", 0x9000).dmaAddress).toBeLessThan(2 ** 20);
  });

  test("have to agree on their domain", () => {
    const asked = { a: { ids: [1], domain: "lazy" }, b: { ids: [1], domain: "strict" } } as const;
    expect(() => booted(boardOf(asked))).toThrow(
      /^a and b: one group of mmu, which cannot be lazy and strict$/,
    );
    const one = { a: { ids: [1] }, b: { ids: [1], domain: "lazy" } } as const;
    expect(booted(boardOf(one)).device("a").iommu?.domain.isLazy).toBe(true);
  });
});

describe("the domain that a device begins with (M-1, M-3)", () => {
  const isLazy = (system: System, name: string): boolean | undefined =>
    system.device(name).iommu?.domain.isLazy;

  test("is strict, or what the board says, or what the IOMMU's driver needs", () => {
    const system = booted(boardOf({ a: {}, b: { domain: "lazy" }, c: { domain: "identity" } }));
    expect([isLazy(system, "a"), isLazy(system, "b"), system.device("c").iommu]).toEqual([false, true, null]);
    const needs = booted(boardOf({ a: {}, b: {} }), {
      defaultDomainType: ({ devices }) => (devices[0] === "a" ? "identity" : null),
    });
    expect([needs.device("a").iommu, isLazy(needs, "b")]).toEqual([null, false]);
  });

  test("is in use with the first mapping, of identity as well: user space cannot have the device then (M-4)", () => {
    for (const domain of ["strict", "identity"] as const) {
      const system = booted(boardOf({ a: { domain } }));
      const group = system.iommuGroup("a");
      mapped(system, "a");
      expect(group?.usesDmaApi).toBe(true);
      expect(() => group?.claim()).toThrow("iommu_device_claim_dma_owner: -EBUSY: a driver uses a");
    }
  });

  test("is nobody's while user space has the device, of identity neither (M-4)", () => {
    for (const domain of ["strict", "identity"] as const) {
      const system = booted(boardOf({ a: { domain } }));
      system.iommuGroup("a")?.claim();
      expect(() => mapped(system, "a")).toThrow("iommu_device_use_default_domain: -EBUSY");
      system.iommuGroup("a")?.release();
      expect(() => mapped(system, "a")).not.toThrow();
    }
  });

  test("is strict for a device from outside, whatever is asked for (I-5)", () => {
    const system = booted(
      boardOf({ a: { untrusted: true, domain: "lazy" }, b: { untrusted: true, domain: "identity" } }),
    );
    expect([isLazy(system, "a"), isLazy(system, "b")]).toEqual([false, false]);
  });

  test("cannot be identity for one from outside, not even if the IOMMU needs it", () => {
    const board = boardOf({ a: { untrusted: true } });
    expect(() => booted(board, { defaultDomainType: () => "identity" })).toThrow(
      "a: untrusted, but toy must let it through",
    );
  });

  test("is strict where the IOMMU cannot flush late", () => {
    expect(isLazy(booted(boardOf({ a: { domain: "lazy" } }), { deferredFlush: false }), "a")).toBe(false);
  });

  test("of identity lets the device use physical addresses, as far as its bus shows them", () => {
    const system = booted(boardOf({ a: { domain: "identity", limit: "1MiB" } }));
    const { dmaAddress } = mapped(system, "a");
    expect([dmaAddress, reach(system, "a", 0x5000), reach(system, "a", 0x10_0000)]).toEqual([0x5000, 64, 0]);
  });

  test("is made when it is needed, and not for who does nothing", () => {
    const { platform, units } = platformOf(boardOf({ a: {}, b: {} }));
    const system = platform.boot();
    expect(units[0]?.attached).toEqual([]);
    mapped(system, "b");
    expect(units[0]?.attached).toEqual([["2", "domain 0"]]);
  });
});

describe("an IOMMU that is not there", () => {
  test("because it is switched off leaves its devices untranslated, whoever provides it", () => {
    const off = { iommus: { mmu: { enabled: false } } };
    for (const system of [
      booted(boardOf({ a: {} }, off)),
      assemble(boardOf({ a: {} }, off), [toyArch()]).boot(),
    ]) {
      expect([system.device("a").iommu, system.iommuGroup("a")]).toEqual([null, null]);
      expect(mapped(system, "a").dmaAddress).toBe(0x5000);
    }
  });

  test("because nobody provides it is told when the platform is assembled, with the nearest name", () => {
    const board = boardOf({ a: { iommu: { unit: "mmy", ids: [1] } } });
    expect(() => platformOf(board)).toThrow(
      /^grouped: a is behind "mmy", an IOMMU that no plugin provides.*mmu/,
    );
  });

  test("is a TypeError when somebody asks for it", () => {
    expect(() => booted(boardOf({ a: {} })).iommu("mmx")).toThrow(/^no plugin provides the IOMMU "mmx".*mmu/);
  });

  test("cannot be provided twice", () => {
    expect(() => assemble(boardOf({ a: {} }), [toyArch(), toyUnit("mmu"), toyUnit("mmu")])).toThrow(
      '@acme/iommu-toy and @acme/iommu-toy both provide the IOMMU "mmu"',
    );
  });
});

describe("addresses that are not free (M-6)", () => {
  const regions = (...kinds: ReservedRegion["kind"][]): ToyUnitOptions => ({
    reservedRegions: () => kinds.map((kind, i) => ({ start: 0x10_0800 + i * 0x10_0000, size: 0x2000, kind })),
  });

  test("that firmware uses are mapped to themselves from the beginning, whole pages", () => {
    const system = booted(boardOf({ a: {} }), regions("direct"));
    expect([0x10_0000, 0x10_0800, 0x10_2fff].map((at) => reach(system, "a", at))).toEqual([64, 64, 1]);
    expect([reach(system, "a", 0xf_ffff), reach(system, "a", 0x10_3000)]).toEqual([0, 0]);
    expect(system.iommuGroup("a")?.usesDmaApi, "nobody has used it yet").toBe(false);
    expect(() => system.iommuGroup("a")?.claim()).toThrow("-EINVAL: firmware needs memory of a mapped");
  });

  test("are mapped when it does so relaxably, and not otherwise", () => {
    const system = booted(boardOf({ a: {} }), regions("direct-relaxable", "reserved", "msi"));
    const at = [0x10_1000, 0x20_1000, 0x30_1000];
    expect(at.map((address) => reach(system, "a", address))).toEqual([64, 0, 0]);
    mapped(system, "a");
    expect(at.map((address) => reach(system, "a", address))).toEqual([64, 0, 0]);
  });

  test("are handed out to nobody", () => {
    const system = booted(boardOf({ a: { addressBits: 21 } }), {
      reservedRegions: () => [{ start: 0x10_0000, size: 0x10_0000, kind: "reserved" }],
    });
    const addresses = Array.from({ length: 200 }, () => mapped(system, "a").dmaAddress as number);
    expect(Math.max(...addresses)).toBeLessThan(0x10_0000);
  });
});

describe("a driver with addresses of its own (M-4, D24)", () => {
  test("attaches its domain, and the DMA API's mappings wait until it goes", () => {
    const system = booted(boardOf({ gpu: {} }));
    const group = system.iommuGroup("gpu") ?? expect.fail();
    const { dmaAddress } = mapped(system, "gpu");
    const own = system.iommu("mmu").allocateDomain();
    own.map(dmaAddr(0x70_0000), physAddr(0x5000), 4096, 3);
    group.attach(own);
    expect([reach(system, "gpu", 0x70_0000), reach(system, "gpu", dmaAddress)]).toEqual([64, 0]);
    group.detach();
    expect([reach(system, "gpu", 0x70_0000), reach(system, "gpu", dmaAddress)]).toEqual([0, 64]);
  });

  test("who claims the device keeps the DMA API out", () => {
    const system = booted(boardOf({ gpu: {} }));
    system.iommuGroup("gpu")?.claim();
    expect(() => mapped(system, "gpu")).toThrow("iommu_device_use_default_domain: -EBUSY");
  });
});

describe("what a board says of a device's IOMMU is checked", () => {
  const place = 'board "grouped": devices.a.iommu';

  test.each([
    [{ unit: "", ids: [1] }, `${place}.unit: an IOMMU needs a name`],
    [
      { unit: "mmu", ids: [] },
      `${place}.ids: without an id the IOMMU cannot tell whose transactions these are`,
    ],
    [{ unit: "mmu", ids: [1, -1] }, `${place}.ids[1]: -1 is not an id`],
    [{ unit: "mmu", ids: [1.5] }, `${place}.ids[0]: 1.5 is not an id`],
    [{ unit: "mmu", ids: [2 ** 32] }, `${place}.ids[0]: 4294967296 is not an id`],
    [
      { unit: "mmu", ids: [1], domain: "loose" as never },
      `${place}.domain: "loose" is neither strict nor lazy nor identity`,
    ],
  ])("%j", (iommu, message) => {
    expect(() => platformOf(boardOf({ a: { iommu } }))).toThrow(message);
  });
});
