// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { SgMapping } from "../../../src/dma/mapping.ts";
import { Extents, physAddr } from "../../../src/index.ts";
import { answerTo, HIGH, narrowSystem, PAGE } from "./narrow-system.ts";

const MIB = 2 ** 20;
/** A page below 4 GiB, and two above. */
const mixed = Extents.each([PAGE, HIGH, HIGH + 8 * PAGE], [2 * PAGE, HIGH + PAGE, HIGH + 9 * PAGE]);
const high = Extents.of([HIGH, HIGH + PAGE]);

describe("the pool", () => {
  test("is there where a device needs it: below 4 GiB, as high as there is room, and nobody else's", () => {
    const { memory } = narrowSystem();
    // 64 MiB, halved until it is a quarter of what is free below.
    expect(memory.swiotlb).toEqual({ base: 12 * MIB, size: 4 * MIB });
    expect(memory.regionAt(12 * MIB)?.name).toBe("software IO TLB");
    let highest = 0;
    for (let page = memory.pages.allocatePages(0, "dma32"); page !== null; ) {
      highest = Math.max(highest, page);
      page = memory.pages.allocatePages(0, "dma32");
    }
    expect(highest).toBeLessThan(12 * MIB);
  });

  test("is not there where nobody does, or the boot says so", () => {
    const devices = { wide: { class: "dma", coherent: false } };
    const { memory, analysis } = narrowSystem({ devices });
    expect(memory.swiotlb).toBeNull();
    expect(analysis.topology.domains.map(({ name }) => name)).toEqual(["cpu"]);
    expect(narrowSystem({ swiotlb: false }).memory.swiotlb).toBeNull();
  });

  test("lies within what every bus shows, and has the size that is asked for", () => {
    const devices = { low: { class: "dma", coherent: false, limit: "8MiB" } };
    expect(narrowSystem({ devices }).memory.swiotlb).toEqual({ base: 6 * MIB, size: 2 * MIB });
    expect(narrowSystem({ swiotlb: { size: "3MiB" } }).memory.swiotlb?.size).toBe(4 * MIB);
    expect(() => narrowSystem({ swiotlb: { size: "32MiB" } })).toThrow(
      "swiotlb: no 33554432 contiguous bytes of RAM left below 4 GiB for bounce buffers",
    );
  });

  test("gives domains to those who can bounce, and to nobody else", () => {
    const names = narrowSystem().analysis.topology.domains.map(({ name }) => name);
    expect(names).toEqual([
      "cpu",
      "cpu over narrow's bounce buffer",
      "narrow's bounce buffer",
      "seeing's bounce buffer",
    ]);
  });
});

describe("an entry that the device does not reach (D-20, D-23)", () => {
  test("gets slots, the others stay as they are", () => {
    const { dma, device, memory } = narrowSystem();
    const mapping = dma.mapSgtable(device("narrow"), mixed, "to-device");
    const pool = memory.swiotlb?.base ?? 0;
    expect([...mapping.dmaAddresses]).toEqual([PAGE, pool, pool + PAGE]);
    expect([...mapping.dmaLengths]).toEqual([PAGE, PAGE, PAGE]);
    expect(mapping.placement.bounced?.bytes).toBe(2 * PAGE);
    dma.unmapSgtable(mapping);
    const again = dma.mapSgtable(device("narrow"), mixed, "to-device");
    expect(again.dmaAddresses[1], "the search goes on where it was").toBe(pool + 2 * PAGE);
    expect(dma.mapSgtable(device("wide"), mixed, "to-device").placement.bounced).toBeNull();
  });

  test("leaves the kernel's event, caused by the map", () => {
    const { dma, device, simulation } = narrowSystem();
    dma.mapSgtable(device("narrow"), mixed, "to-device");
    const events = [...simulation.trace.events()].filter(({ point }) => point.name === "swiotlb_bounced");
    const [first] = events;
    if (first === undefined) throw new Error("no event");
    expect(events).toHaveLength(2);
    expect(first.text("dev_name")).toBe("narrow");
    const [limit, force] = [first.text("limit"), first.get("force")];
    expect([first.get("dma_mask"), first.get("dev_addr"), first.get("size"), force, limit]).toEqual([
      ...[HIGH - 1, HIGH, PAGE, 0],
      "dma-mask",
    ]);
    expect(simulation.trace.at(first.cause)?.point.name).toBe("dma_map_sg");
  });

  test("keeps the bits of its address that the device asks for (D-41)", () => {
    const devices = { nvme: { class: "nvme", coherent: false, addressBits: 32, minAlignMask: 0xfff } };
    const { dma, device } = narrowSystem({ devices });
    const page = dma.mapPage(device("nvme"), physAddr(HIGH + 0xa00), 0x1000, "to-device");
    expect(page.dmaAddress % PAGE).toBe(0xa00);
    expect(dma.maxMappingSize(device("nvme"))).toBe(252 * 1024);
  });

  test("of more than 256 KiB is refused, however empty the pool is (D-45)", () => {
    const { dma, device } = narrowSystem();
    const map = (bytes: number) => () =>
      dma.mapSgtable(device("narrow"), Extents.of([HIGH, HIGH + bytes]), "to-device");
    expect(answerTo(map(MIB))).toBe(
      "EIO narrow cannot reach [0x100000000, 0x100100000): it reaches [0x0, 0x100000000); 1048576 bytes are too large for a bounce buffer, which has 262144 at most",
    );
    expect(answerTo(map(256 * 1024))).toBe("fine");
    expect(dma.live.size).toBe(1);
  });

  test("finds the pool full, and then keeps nothing of what it took (D-45)", () => {
    const { dma, device } = narrowSystem({ swiotlb: { size: "256KiB" } });
    const list = (pages: number) =>
      Extents.each(
        Array.from({ length: pages }, (_, i) => HIGH + 2 * i * PAGE),
        Array.from({ length: pages }, (_, i) => HIGH + (2 * i + 1) * PAGE),
      );
    expect(answerTo(() => dma.mapSgtable(device("narrow"), list(65), "to-device"))).toContain(
      "the bounce buffers are full: 128 of 128 slots are in use, and 4096 bytes find no place",
    );
    const mapping = dma.mapSgtable(device("narrow"), list(64), "to-device");
    const one = Extents.of([HIGH + 8 * MIB, HIGH + 8 * MIB + 1]);
    const unchecked = { unchecked: true };
    const failed = dma.mapPage(device("seeing"), one.addressAt(0), 1, "to-device", unchecked);
    expect(dma.mappingError(failed)).toBe(true);
    dma.unmapSgtable(mapping);
    expect(answerTo(() => dma.mapSgtable(device("seeing"), one, "to-device"))).toBe("fine");
  });

  test("is refused where the pool is out of reach as well, with a warning (D-46)", () => {
    const devices = {
      tiny: { class: "dma", coherent: false, addressBits: 24 },
      near: { class: "dma", coherent: false, addressBits: 23 },
    };
    const { dma, device, simulation } = narrowSystem({ devices });
    expect(answerTo(() => dma.mapSgtable(device("tiny"), high, "to-device"))).toBe("fine");
    expect(answerTo(() => dma.mapSgtable(device("near"), high, "to-device"))).toContain(
      "its bounce buffer at 0xc01000 is out of reach as well",
    );
    expect(simulation.diagnostics.entries.map(({ rule }) => rule)).toEqual(["D-46"]);
  });

  test("is refused to a device that narrowed its mask after boot, with what to do", () => {
    const { dma, device } = narrowSystem();
    const wide = device("wide");
    wide.masks.set(32);
    const answer = answerTo(() => dma.mapSgtable(wide, high, "to-device"));
    expect(answer).toBe(
      "EIO wide cannot reach [0x100000000, 0x100001000): it reaches [0x0, 0x100000000), and bounce buffers are for devices that boot with such a mask: set addressBits: 32 on the board",
    );
    const off = narrowSystem({ swiotlb: false });
    const never = answerTo(() => off.dma.mapSgtable(off.device("narrow"), high, "to-device"));
    expect(never, "its mask was that at boot").toMatch(/^EIO .*it reaches \[0x0, 0x100000000\)$/);
  });

  test("is not bounced when it is no RAM, or has to be coherent, or swiotlb is off", () => {
    const pools = [{ kind: "carve-out", name: "vram", base: HIGH + 8 * MIB, size: "1MiB" }] as const;
    const { dma, device } = narrowSystem({ pools });
    const vram = Extents.of([HIGH + 8 * MIB, HIGH + 8 * MIB + PAGE]);
    expect(answerTo(() => dma.mapSgtable(device("narrow"), vram, "to-device"))).toContain("it is no RAM");
    const requireCoherent = { requireCoherent: true };
    expect(answerTo(() => dma.mapSgtable(device("seeing"), high, "to-device", requireCoherent))).toContain(
      "the mapping must be coherent, and a copy is not",
    );
    const off = narrowSystem({ swiotlb: false });
    expect(answerTo(() => off.dma.mapSgtable(off.device("narrow"), high, "to-device"))).toBe(
      "EIO narrow cannot reach [0x100000000, 0x100001000): it reaches [0x0, 0x100000000)",
    );
  });

  test("is not mapped a second time for the same device, unless the system was booted for it", () => {
    const { dma, device } = narrowSystem();
    const mapping = dma.mapSgtable(device("narrow"), mixed, "to-device");
    const again = () => dma.mapSgtable(device("narrow"), high, "to-device");
    expect(answerTo(again)).toContain("EOPNOTSUPP narrow bounces part of this memory already");
    expect(answerTo(() => dma.mapSgtable(device("seeing"), high, "to-device"))).toBe("fine");
    dma.unmapSgtable(mapping);
    expect(answerTo(again)).toBe("fine");
    const two = narrowSystem({}, { bouncedCopies: 2 });
    const copies = [1, 2].map(() => two.dma.mapSgtable(two.device("narrow"), high, "to-device"));
    expect(copies[0]?.dmaAddresses).not.toEqual(copies[1]?.dmaAddresses);
    expect(answerTo(() => two.dma.mapSgtable(two.device("narrow"), high, "to-device"))).toContain(
      "the model tells 2 of its copies apart",
    );
    const twice = Extents.each([HIGH + MIB, HIGH + MIB], [HIGH + MIB + PAGE, HIGH + MIB + PAGE]);
    expect(answerTo(() => dma.mapSgtable(device("narrow"), twice, "to-device"))).toContain("EOPNOTSUPP");
  });
});

describe("asking", () => {
  test("which entries would bounce, and why, takes nothing and copies nothing (D21)", () => {
    const { dma, device, analysis, simulation } = narrowSystem();
    const steps = analysis.log.length;
    const events = [...simulation.trace.events()].length;
    const beyond = { kind: "beyond-limit", limit: "dma-mask", bound: HIGH - 1 } as const;
    expect(dma.testMap(device("narrow"), mixed, "to-device")).toEqual([
      { entry: 1, reason: { ...beyond, page: HIGH }, refused: null },
      { entry: 2, reason: { ...beyond, page: HIGH + 8 * PAGE }, refused: null },
    ]);
    expect(dma.testMap(device("wide"), mixed, "to-device")).toEqual([]);
    const large = Extents.of([HIGH, HIGH + MIB]);
    expect(dma.testMap(device("narrow"), large, "to-device")).toMatchObject([{ refused: "too-large" }]);
    const hole = Extents.of([HIGH + 64 * MIB, HIGH + 64 * MIB + PAGE]);
    expect(dma.testMap(device("narrow"), hole, "to-device")).toMatchObject([{ refused: "not-ram" }]);
    const off = narrowSystem({ swiotlb: false });
    expect(off.dma.testMap(off.device("narrow"), high, "to-device")).toMatchObject([{ refused: "no-pool" }]);
    expect([analysis.log.length, [...simulation.trace.events()].length, dma.live.size]).toEqual([
      ...[steps, events, 0],
    ]);
  });

  test("how much one mapping can have (D-19)", () => {
    const { dma, device } = narrowSystem();
    expect([dma.maxMappingSize(device("narrow")), dma.optMappingSize(device("narrow"))]).toEqual([
      ...[256 * 1024, 256 * 1024],
    ]);
    expect(dma.maxMappingSize(device("wide"))).toBe(Number.POSITIVE_INFINITY);
    const forced = narrowSystem({ swiotlb: { force: true } });
    expect(forced.dma.maxMappingSize(forced.device("wide"))).toBe(256 * 1024);
  });

  test("whether sync calls are needed: for a coherent device from its first bounce on (D-27, D-48)", () => {
    const { dma, device } = narrowSystem();
    const asked = () => ["narrow", "seeing", "dac"].map((name) => dma.needSync(device(name)));
    expect(asked()).toEqual([true, false, false]);
    dma.unmapSgtable(dma.mapSgtable(device("seeing"), Extents.of([0, PAGE]), "to-device"));
    expect(asked()).toEqual([true, false, false]);
    dma.unmapSgtable(dma.mapSgtable(device("seeing"), high, "to-device"));
    expect(asked()).toEqual([true, true, false]);
  });
});

describe("what is bounced on purpose", () => {
  test("everything, with the boot option", () => {
    const { dma, device, memory } = narrowSystem({ swiotlb: { force: true } });
    const low = Extents.of([PAGE, 2 * PAGE]);
    const mapping = dma.mapSgtable(device("wide"), low, "to-device");
    expect(mapping.dmaAddresses[0]).toBe(memory.swiotlb?.base);
    expect(dma.testMap(device("dac"), low, "to-device")).toMatchObject([{ reason: { kind: "forced" } }]);
    const large = Extents.of([0, MIB]);
    expect(answerTo(() => dma.mapSgtable(device("dac"), large, "to-device"))).toBe(
      "EIO [0x0, 0x100000) has to be bounced for dac (all its mappings are); 1048576 bytes are too large for a bounce buffer, which has 262144 at most",
    );
  });

  test("small memory that may share a line, where the board says how it lies (D-22)", () => {
    const swiotlb = { kmalloc: { dmaMinAlign: 128, cacheAlignment: 64 } };
    const { dma, device, memory } = narrowSystem({ swiotlb });
    const map = (name: string, size: number, direction: "to-device" | "from-device") =>
      dma.mapPage(device(name), physAddr(8 * PAGE), size, direction).dmaAddress === memory.swiotlb?.base;
    expect(map("wide", 65, "from-device")).toBe(true);
    expect(map("wide", 65, "to-device")).toBe(false);
    expect(map("wide", 128, "from-device")).toBe(false);
    expect(map("dac", 65, "from-device")).toBe(false);
  });

  test("everything of a device with a restricted pool, which falls back to no other (D-47)", () => {
    const pools = [{ kind: "restricted", name: "guard", base: 4 * MIB, size: "256KiB" }] as const;
    const guarded = { class: "dma", coherent: false, restrictedPool: "guard" };
    const { dma, device, dmaAllocations, simulation } = narrowSystem({
      pools,
      devices: { guarded, wide: { class: "dma", coherent: false } },
    });
    const inGuard = (at: number) => at >= 4 * MIB && at < 4 * MIB + 256 * 1024;
    const low = (page: number, bytes: number) => Extents.of([page * PAGE, page * PAGE + bytes]);
    const mapping = dma.mapSgtable(device("guarded"), low(1, PAGE), "to-device");
    expect(inGuard(mapping.dmaAddresses[0] as number)).toBe(true);
    expect(dma.mapSgtable(device("wide"), low(1, PAGE), "to-device").dmaAddresses[0]).toBe(PAGE);
    const taken = simulation.complete(
      "main",
      (function* () {
        return yield* dmaAllocations.coherent(device("guarded"), 2 * PAGE);
      })(),
    );
    expect(inGuard(taken.dmaAddress)).toBe(true);
    expect(taken.dmaAddress % (2 * PAGE)).toBe(0);
    expect(answerTo(() => dma.mapSgtable(device("guarded"), low(8, 250 * 1024), "to-device"))).toContain(
      "guarded (all its mappings are); the bounce buffers are full",
    );
    dmaAllocations.freeCoherent(taken);
    dma.unmapSgtable(mapping);
    expect(answerTo(() => dma.mapSgtable(device("guarded"), low(8, 250 * 1024), "to-device"))).toBe("fine");
    expect(() => narrowSystem({ pools: [{ ...pools[0], size: "300KiB" }] })).toThrow(
      "pools[0].size: a restricted pool has a power of two of bytes, 256 KiB or more, not 300KiB",
    );
    const lost = { guarded: { ...guarded, restrictedPool: "gaurd" } };
    expect(() => narrowSystem({ pools, devices: lost })).toThrow(
      'devices.guarded.restrictedPool: no restricted pool "gaurd"; did you mean "guard"?',
    );
  });
});

describe("a part", () => {
  test("is copied alone; past the bounce buffer it is cut, or left, with a warning (D-44)", () => {
    const { dma, device, simulation, analysis } = narrowSystem();
    const page = dma.mapPage(device("seeing"), physAddr(HIGH), 2048, "bidirectional");
    const copied = (act: () => void): number => {
      const before = analysis.log.length;
      act();
      return analysis.log.length === before ? 0 : analysis.log.extents(before).bytes;
    };
    expect(copied(() => dma.syncSingleForCpu(page, { offset: 64, size: 128 }))).toBe(128);
    expect(copied(() => dma.syncSingleForDevice(page, { offset: 2000, size: 100 }))).toBe(48);
    expect(copied(() => dma.syncSingleForDevice(page, { offset: 4096, size: 100 }))).toBe(0);
    expect(simulation.diagnostics.entries.map(({ rule, text }) => `${rule} ${text}`)).toEqual([
      "D-44 seeing: a copy of 100 bytes at 2000 leaves its bounce buffer of 2048 bytes and is cut to 48",
      "D-44 seeing: a copy of 100 bytes at 4096 leaves its bounce buffer of 2048 bytes and is ignored",
    ]);
  });
});

test("copies are those of the matrix, before a clean and after an invalidate (G.6, D-26, D-11)", () => {
  const steps = (
    direction: "to-device" | "from-device" | "bidirectional",
    act: (dma: ReturnType<typeof narrowSystem>["dma"], map: () => SgMapping) => void,
    name = "narrow",
  ): string => {
    const { dma, device, analysis } = narrowSystem();
    act(dma, () => dma.mapSgtable(device(name), high, direction));
    return Array.from({ length: analysis.log.length }, (_, step) => analysis.log.operation(step).kind).join(
      " ",
    );
  };
  const round = (dma: ReturnType<typeof narrowSystem>["dma"], map: () => SgMapping): void => {
    const mapping = map();
    dma.syncSgtableForCpu(mapping);
    dma.syncSgtableForDevice(mapping);
    dma.unmapSgtable(mapping);
  };
  expect(steps("to-device", round)).toBe("copy-in clean copy-in clean release");
  expect(steps("from-device", round)).toBe(
    "copy-in clean invalidate copy-out clean invalidate copy-out release",
  );
  expect(steps("bidirectional", round)).toBe(
    "copy-in clean invalidate copy-out copy-in clean invalidate copy-out release",
  );
  expect(steps("bidirectional", round, "seeing")).toBe("copy-in copy-out copy-in copy-out release");
  const skipping = { skipCpuSync: true };
  for (const direction of ["to-device", "from-device", "bidirectional"] as const)
    expect(steps(direction, (dma, map) => dma.unmapSgtable(map(), skipping))).toBe("copy-in clean release");
});
