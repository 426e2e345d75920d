// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  assemble,
  type BoardDescription,
  board,
  InputError,
  linux72,
  physAddr,
  type System,
} from "../../../src/index.ts";
import { toyArch } from "../../../src/testing.ts";
import { translatedPlatform, translatedSystem } from "../translated.ts";
import { answerTo, PAGE } from "./narrow-system.ts";
import { entries, plugged } from "./untrusted-board.ts";

const system = (rest: Partial<BoardDescription> = {}): System => translatedSystem(plugged, rest);

/** What the IOMMU shows at an address, as an offset in the pool of bounce buffers; null for other memory. */
function inPool({ device, memory }: System, name: string, address: number): number | null {
  const phys = device(name).iommu?.domain.table.lookup(address as never) ?? 0;
  const pool = memory.swiotlb ?? expect.fail();
  return phys >= pool.base && phys < pool.base + pool.size ? phys - pool.base : null;
}

const bouncedEvents = ({ simulation }: System): string[] =>
  [...simulation.trace.events()]
    .filter(({ point }) => point.name === "swiotlb_bounced")
    .map((e) => e.text("limit"));

/** What IOMMUs were told to map and not to unmap. */
const mappedBytes = ({ simulation }: System): number =>
  [...simulation.trace.events()].reduce((sum, event) => {
    const { system: of, name } = event.point;
    if (of !== "iommu" || (name !== "map" && name !== "unmap")) return sum;
    return name === "map" ? sum + event.get("size") : sum - event.get("unmapped_size");
  }, 0);

describe("an untrusted device behind an IOMMU (I-7)", () => {
  test("is given whole granules as they are", () => {
    const booted = system();
    const { dma, device } = booted;
    const page = dma.mapPage(device("plugged"), physAddr(0x3000), 2 * PAGE, "bidirectional");
    expect(page.placement.bounced).toBeNull();
    expect(device("plugged").iommu?.domain.table.lookup(page.dmaAddress as never)).toBe(0x3000);
    expect(bouncedEvents(booted)).toEqual([]);
    dma.unmapPage(page);
    expect(device("plugged").iommu?.domain.table.lookup(page.dmaAddress as never)).toBeNull();
  });

  test.each([
    ["begins within one", 0x3200, PAGE, PAGE],
    ["ends within one", 0x3000, PAGE + 1, 2 * PAGE],
    ["is a few bytes", 0x3ff0, 0x20, PAGE],
  ])("gets slots of whole granules for what %s", (_, start, size, whole) => {
    const booted = system();
    const { dma, device } = booted;
    const plain = device("plugged");
    const page = dma.mapPage(plain, physAddr(start), size, "to-device");
    // The offset is not kept, unless the device asks for it: the mapping begins with its granule.
    expect(page.dmaAddress % PAGE).toBe(0);
    expect(page.placement.bounced?.bytes).toBe(size);
    const at = inPool(booted, "plugged", page.dmaAddress) ?? expect.fail();
    expect(at % PAGE).toBe(0);
    // The next one finds its slots behind all granules of this one: padding is part of the allocation.
    const next = dma.mapPage(plain, physAddr(0x9001), 1, "to-device");
    expect(inPool(booted, "plugged", next.dmaAddress)).toBe(at + whole);
    expect(bouncedEvents(booted)).toEqual(["untrusted", "untrusted"]);
    dma.unmapPage(page);
    dma.unmapPage(next);
    expect(inPool(booted, "plugged", page.dmaAddress)).toBeNull();
  });

  test("keeps the bits that the device asks for, and then the granule before them is padding, too", () => {
    const booted = translatedSystem({ nvme: { untrusted: true, minAlignMask: 0xfff } });
    const page = booted.dma.mapPage(booted.device("nvme"), physAddr(0x3a00), 0x1000, "to-device");
    expect(page.dmaAddress % PAGE).toBe(0xa00);
    expect(inPool(booted, "nvme", page.dmaAddress)).toBe(0xa00);
    const next = booted.dma.mapPage(booted.device("nvme"), physAddr(0x8800), 8, "to-device");
    expect(inPool(booted, "nvme", next.dmaAddress)).toBe(2 * PAGE + 0x800);
  });

  test("has its lists mapped entry by entry, joined or not (I-8)", () => {
    const booted = system();
    const { dma, device } = booted;
    const whole = entries([0x3000, PAGE], [0x4000, PAGE]);
    const joined = dma.mapSgtable(device("inside"), whole, "to-device");
    expect(joined.nents).toBe(1);
    const aligned = dma.mapSgtable(device("plugged"), whole, "to-device");
    expect([aligned.nents, aligned.placement.bounced]).toEqual([2, null]);
    const mixed = dma.mapSgtable(
      device("plugged"),
      entries([0x6200, 0xe00], [0x8000, PAGE], [0xa000, 8]),
      "to-device",
    );
    expect([...mixed.dmaLengths]).toEqual([0xe00, PAGE, 8]);
    expect([...mixed.dmaAddresses].map((at) => inPool(booted, "plugged", at))).toEqual([0, null, PAGE]);
    expect([...(mixed.placement.bounced?.pairs ?? [])]).toEqual([0x6200, 0x7000, 0xa000, 0xa008]);
    for (const mapping of [aligned, mixed]) dma.unmapSgtable(mapping);
    const { table } = device("plugged").iommu?.domain ?? expect.fail();
    for (const at of [...aligned.dmaAddresses, ...mixed.dmaAddresses])
      expect(table.lookup(at as never)).toBeNull();
    dma.unmapSgtable(joined);
    expect([dma.live.size, mappedBytes(booted)]).toEqual([0, 0]);
  });

  test("is handed its copies in the order of direct mapping, and loses its addresses before the copy back (D-26)", () => {
    const { dma, device, simulation } = system();
    const mapping = dma.mapSgtable(device("plugged"), entries([0x6200, 0x100]), "bidirectional");
    dma.syncSgtableForCpu(mapping);
    dma.syncSgtableForDevice(mapping);
    dma.unmapSgtable(mapping);
    expect([...simulation.trace.events()].map(({ point }) => point.name)).toEqual([
      ...["map", "dma_map_sg", "swiotlb_bounced", "swiotlb_copy", "cache_maintenance"],
      ...["dma_sync_sg_for_cpu", "cache_maintenance", "swiotlb_copy"],
      ...["dma_sync_sg_for_device", "swiotlb_copy", "cache_maintenance"],
      ...["dma_unmap_sg", "cache_maintenance", "unmap", "swiotlb_copy"],
    ]);
  });

  test("says before what would bounce (D21), and that mappings should be no larger than a bounce buffer (D-19)", () => {
    const { dma, device } = system();
    const list = entries([0x3000, PAGE], [0x6200, 0xe00], [0x10_0001, 512 * 1024]);
    expect(dma.testMap(device("plugged"), list, "to-device")).toEqual([
      { entry: 1, reason: { kind: "untrusted" }, refused: null },
      { entry: 2, reason: { kind: "untrusted" }, refused: "too-large" },
    ]);
    expect(dma.testMap(device("inside"), list, "to-device")).toEqual([]);
    expect(dma.maxMappingSize(device("plugged"))).toBe(256 * 1024);
    expect(dma.optMappingSize(device("plugged"))).toBe(128 * 1024);
    expect(dma.maxMappingSize(device("inside"))).toBe(Number.POSITIVE_INFINITY);
  });

  test("is strict whatever the board says (I-5)", () => {
    const { device } = system();
    expect(device("lazy").iommu?.domain.isLazy).toBe(false);
    const { device: trusted } = translatedSystem({ lazy: { iommu: "lazy" } });
    expect(trusted("lazy").iommu?.domain.isLazy).toBe(true);
  });

  test("is refused without swiotlb, with one warning", () => {
    const booted = system({ swiotlb: false });
    const { dma, device, simulation } = booted;
    const unaligned = entries([0x3000, PAGE], [0x6200, 0xe00]);
    for (const name of ["plugged", "snooping"])
      expect(answerTo(() => dma.mapSgtable(device(name), unaligned, "to-device"))).toBe(
        `EIO [0x6200, 0x7000) has to be bounced for ${name} (which is untrusted, and this is not whole granules); bounce buffers are inactive`,
      );
    expect(simulation.diagnostics.entries).toMatchObject([
      { severity: "warn", rule: "I-7", operation: "dma_map_sgtable", count: 1 },
    ]);
    expect([dma.live.size, mappedBytes(booted)]).toEqual([0, 0]);
    expect(answerTo(() => dma.mapSgtable(device("plugged"), entries([0x3000, PAGE]), "to-device"))).toBe(
      "fine",
    );
    expect(dma.testMap(device("plugged"), unaligned, "to-device")).toMatchObject([
      { entry: 1, refused: "no-pool" },
    ]);
  });

  test("keeps nothing when it fails half-way: no slots, no addresses, memory that cannot be copied (D-45)", () => {
    const booted = system({ swiotlb: { size: "256KiB" } });
    const { dma, device } = booted;
    const many = entries(
      ...Array.from({ length: 65 }, (_, i): [number, number] => [0x10_0000 + i * PAGE, 100]),
    );
    expect(answerTo(() => dma.mapSgtable(device("plugged"), many, "to-device"))).toContain(
      "are full: 128 of 128",
    );
    const coherent = { requireCoherent: true };
    expect(
      answerTo(() =>
        dma.mapSgtable(device("snooping"), entries([0x1000, PAGE], [0x6200, 8]), "to-device", coherent),
      ),
    ).toContain("must be coherent, and a copy is not");
    expect([dma.live.size, mappedBytes(booted)]).toEqual([0, 0]);
    expect(answerTo(() => dma.mapSgtable(device("plugged"), many.slice(0, 6400), "to-device"))).toBe("fine");
  });

  test("does not get links of parts of granules (I-21)", () => {
    const { dma, device } = translatedPlatform(plugged).boot({ kernel: linux72 });
    const link = dma.iovaTryAlloc(device("plugged"), physAddr(0x3200), 2 * PAGE) ?? expect.fail();
    expect(answerTo(() => link.link(physAddr(0x3200), 0, PAGE, "to-device"))).toContain(
      "EOPNOTSUPP plugged is untrusted",
    );
  });
});

test("small allocations bounce behind an IOMMU as well, for devices that are trusted (I-7, D-22)", () => {
  const booted = system({ swiotlb: { kmalloc: { dmaMinAlign: 128, cacheAlignment: 64 } } });
  const { dma, device } = booted;
  expect(dma.mapPage(device("inside"), physAddr(0x3040), 8, "from-device").placement.bounced?.bytes).toBe(8);
  expect(dma.mapPage(device("inside"), physAddr(0x3080), 8, "to-device").placement.bounced).toBeNull();
  const list = entries([0x5000, PAGE], [0x7000, 8]);
  expect(dma.mapSgtable(device("inside"), list, "from-device").nents).toBe(2);
  expect(bouncedEvents(booted)).toEqual(["unaligned-kmalloc", "unaligned-kmalloc"]);
  // Force is direct mapping's (D-20).
  const forced = system({ swiotlb: { force: true } });
  const plain = forced.dma.mapPage(forced.device("inside"), physAddr(0x3040), 8, "from-device");
  expect(plain.placement.bounced).toBeNull();
});

test("a board says so of devices behind an IOMMU, and alike of all masters of one", () => {
  const memory = [{ base: 0, size: "16MiB" }];
  const of = (devices: BoardDescription["devices"]) => () =>
    assemble(board({ model: "plugs", memory, devices }), [toyArch()]);
  const bare = { class: "net", coherent: false, untrusted: true };
  expect(of({ bare })).toThrow(InputError);
  expect(of({ bare })).toThrow(
    "devices.bare.untrusted: nothing but an IOMMU can keep a device out; give it one",
  );
  const whole = { ...bare, iommu: "strict", function: "0000:01:00.0" } as const;
  expect(of({ a: whole, b: { ...whole, untrusted: false } })).toThrow(
    "devices.b.untrusted: differs from that of a",
  );
  expect(of({ a: whole, b: whole })).not.toThrow();
});
