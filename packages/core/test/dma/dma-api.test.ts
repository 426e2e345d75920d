// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type DmaDirection, dmaDirections, Extents, KernelError } from "../../src/index.ts";
import { notingSystem } from "./noting-arch.ts";

const scattered = Extents.of([0x3000, 0x5000], [0x1000, 0x2000], [0x8000, 0x8040]);

function errorOf(act: () => unknown): KernelError {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("mapping", () => {
  test("one entry a range, none coalesced, also where they touch (D-6, D-23)", () => {
    const { system } = notingSystem();
    const touching = Extents.each([0x1000, 0x2000], [0x2000, 0x3000]);
    const mapping = system.dma.mapSgtable(system.device("plain"), touching, "to-device");
    expect(mapping.nents).toBe(2);
    expect([...mapping.dmaAddresses]).toEqual([0x1000, 0x2000]);
    expect([...mapping.dmaLengths]).toEqual([0x1000, 0x1000]);
  });

  test("bus addresses are physical ones less the offset, in the buffer's order", () => {
    const { system } = notingSystem({ shifted: { offset: 0x1000 } });
    const mapping = system.dma.mapSgtable(system.device("shifted"), scattered, "to-device");
    expect([...mapping.dmaAddresses]).toEqual([0x2000, 0, 0x7000]);
    expect([...mapping.dmaLengths]).toEqual([0x2000, 0x1000, 0x40]);
    expect(mapping.extents).toBe(scattered);
  });

  test("the last reachable byte is the one before the limit (D-14)", () => {
    const { system, calls } = notingSystem({ exact: { limit: 0x8040 }, short: { limit: 0x803f } });
    expect(system.dma.mapSgtable(system.device("exact"), scattered, "to-device").nents).toBe(3);
    calls.length = 0;
    const live = system.dma.live.size;
    const error = errorOf(() => system.dma.mapSgtable(system.device("short"), scattered, "to-device"));
    expect(error.message).toBe(
      "dma_map_sgtable: -EIO: short cannot reach [0x8000, 0x8040): it reaches [0x0, 0x803f)",
    );
    expect([calls, system.dma.live.size], "nothing is half done").toEqual([[], live]);
  });

  test("memory before the window is out of reach as well (D-15)", () => {
    const { system } = notingSystem({
      shifted: { offset: 0x1001 },
      narrow: { offset: 0x1001, limit: 0x10_0000 },
    });
    const reason = (name: string): string =>
      errorOf(() => system.dma.mapSgtable(system.device(name), scattered, "to-device")).reason;
    expect(reason("shifted")).toBe("shifted cannot reach [0x1000, 0x2000): it reaches from 0x1001");
    expect(reason("narrow")).toBe("narrow cannot reach [0x1000, 0x2000): it reaches [0x1001, 0x101001)");
  });

  test("no direction is a BUG (D-2)", () => {
    const { system } = notingSystem();
    const none = "none" as DmaDirection;
    const { dma } = system;
    expect(() => dma.mapSgtable(system.device("plain"), scattered, none)).toThrow(TypeError);
    const mapping = dma.mapSgtable(system.device("plain"), scattered, "to-device");
    expect(() => dma.syncSgtableForCpu(mapping, none)).toThrow("not a DMA direction: none");
    expect(() => dma.syncSgtableForDevice(mapping, none)).toThrow(TypeError);
  });
});

describe("who owns the memory: maintenance for a device that is not coherent (D-4, D-21, D-25, D-26)", () => {
  test.each(dmaDirections)(
    "%s: for the device at map, for the CPU at unmap, over every range",
    (direction) => {
      const { system, calls } = notingSystem();
      const mapping = system.dma.mapSgtable(system.device("plain"), scattered, direction);
      expect(calls).toEqual([`for_device ${direction} ${scattered.bytes}`]);
      system.dma.syncSgtableForCpu(mapping);
      system.dma.syncSgtableForDevice(mapping);
      system.dma.unmapSgtable(mapping);
      expect(calls.slice(1)).toEqual([
        `for_cpu ${direction} ${scattered.bytes}`,
        `for_device ${direction} ${scattered.bytes}`,
        `for_cpu ${direction} ${scattered.bytes}`,
      ]);
    },
  );

  test("a bidirectional mapping may be synced for one direction (D-4)", () => {
    const { system, calls } = notingSystem();
    const mapping = system.dma.mapSgtable(system.device("plain"), scattered, "bidirectional");
    system.dma.syncSgtableForCpu(mapping, "from-device");
    system.dma.syncSgtableForDevice(mapping, "to-device");
    expect(calls.slice(1).map((call) => call.split(" ").slice(0, 2).join(" "))).toEqual([
      "for_cpu from-device",
      "for_device to-device",
    ]);
  });

  test("DMA_ATTR_SKIP_CPU_SYNC does none at map and unmap, and leaves syncs to the user (D-11)", () => {
    const { system, calls } = notingSystem();
    const skip = { skipCpuSync: true };
    const mapping = system.dma.mapSgtable(system.device("plain"), scattered, "from-device", skip);
    expect([calls, mapping.skipCpuSync]).toEqual([[], true]);
    system.dma.syncSgtableForCpu(mapping);
    expect(calls).toHaveLength(1);
    system.dma.unmapSgtable(mapping, skip);
    expect(calls).toHaveLength(1);
  });

  test("a coherent device gets none, ever (D-21, D-27)", () => {
    const { system, calls } = notingSystem();
    for (const direction of dmaDirections) {
      const mapping = system.dma.mapSgtable(system.device("snooping"), scattered, direction);
      system.dma.syncSgtableForCpu(mapping);
      system.dma.syncSgtableForDevice(mapping);
      system.dma.unmapSgtable(mapping);
    }
    expect([calls, system.analysis.log.length]).toEqual([[], 0]);
  });
});

describe("giving back", () => {
  test("what is not live is not touched (X-3)", () => {
    const { system, calls } = notingSystem();
    const mapping = system.dma.mapSgtable(system.device("plain"), scattered, "to-device");
    expect([...system.dma.live]).toEqual([mapping]);
    system.dma.unmapSgtable(mapping);
    expect(system.dma.live.size).toBe(0);
    calls.length = 0;
    system.dma.unmapSgtable(mapping);
    expect(calls).toEqual([]);
  });
});

describe("events", () => {
  test("are the kernel's, and the maintenance names its event as cause", () => {
    const { system } = notingSystem({ shifted: { offset: 0x1000 } });
    const mapping = system.dma.mapSgtable(system.device("shifted"), scattered, "from-device", {
      skipCpuSync: true,
    });
    system.dma.syncSgtableForCpu(mapping);
    system.dma.unmapSgtable(mapping);
    const events = [...system.simulation.trace.events()];
    const lines = events.map((event) => `${event.point.system}:${event}`);
    expect(lines).toEqual([
      "dma:dma_map_sg: device=shifted full_nents=3 full_ents=3 phys_addrs=0x3000 dma_addrs=0x2000 lengths=12352 dir=FROM_DEVICE attrs=32",
      "dma:dma_sync_sg_for_cpu: device=shifted dma_addrs=0x2000 lengths=12352 dir=FROM_DEVICE full_nents=3",
      "cache:cache_maintenance: kind=invalidate domain=cpu address=0x3000 bytes=12352",
      "dma:dma_unmap_sg: device=shifted addrs=0x2000 dir=FROM_DEVICE attrs=0 full_nents=3",
      "cache:cache_maintenance: kind=invalidate domain=cpu address=0x3000 bytes=12352",
    ]);
    expect(events[2]?.cause).toBe(events[1]?.seq);
    expect(events[4]?.cause).toBe(events[3]?.seq);
  });
});
