// SPDX-License-Identifier: MIT
// Every entry of dma-debug's catalogue (5.6) by a driver that commits exactly that sin, and one that commits none.
import { describe, expect, test } from "vitest";
import { DmaDebug } from "../../src/check/dma-debug/dma-debug.ts";
import {
  assemble,
  type CpuAddr,
  type DmaAddr,
  Extents,
  type Finding,
  kernelAddress,
  type Process,
  physAddr,
  type System,
} from "../../src/index.ts";
import { acquisition } from "../platform/acquisition.ts";

const platform = acquisition();
const PAGE = 4096;

const found = (driver: (system: System) => Process): readonly Finding[] =>
  platform.inspect(driver).findings.filter(({ code }) => code === "dma-api-misuse");

/** A driver of `direct` that maps a page, does something with it, and gives it back. */
const withPage = (
  direction: "to-device" | "from-device" | "bidirectional",
  act: (system: System, mapping: ReturnType<System["dma"]["mapPage"]>) => void,
) =>
  found(function* (system) {
    const mapping = system.dma.mapPage(system.device("direct"), physAddr(0x10_0000), PAGE, direction);
    act(system, mapping);
    yield 0;
  });

/** The catalogue's entry in each finding's message. */
const rules = (findings: readonly Finding[]): (string | undefined)[] =>
  findings.map(({ message }) => /\((X-\d+)\)$/.exec(message)?.[1]);

const scattered = Extents.of([0x10_0000, 0x10_2000], [0x20_0000, 0x20_1000]);

describe("a driver that does everything right is not accused", () => {
  test("of a page", () => {
    const clean = withPage("bidirectional", ({ dma }, mapping) => {
      dma.syncSingleForCpu(mapping, { offset: 64, size: 128, direction: "from-device" });
      dma.syncSingleForDevice(mapping, { offset: 64, size: 128 });
      dma.unmapPage(mapping);
    });
    expect(clean).toEqual([]);
  });

  test("of a scatterlist, a resource and allocations", () => {
    const clean = found(function* ({ dma, dmaAllocations, device }) {
      const mapping = dma.mapSgtable(device("direct"), scattered, "from-device");
      dma.syncSgtableForCpu(mapping);
      dma.syncSgtableForDevice(mapping);
      dma.unmapSgtable(mapping);
      dma.unmapResource(dma.mapResource(device("direct"), physAddr(0x8000_0000), PAGE, "to-device"));
      dmaAllocations.freeCoherent(yield* dmaAllocations.coherent(device("direct"), 100));
      dmaAllocations.freePages(yield* dmaAllocations.pages(device("snoop"), PAGE, "to-device"));
      const noncontiguous = yield* dmaAllocations.noncontiguous(device("direct"), PAGE, "from-device");
      dmaAllocations.freeNoncontiguous(noncontiguous);
      const checks = dma.mapPage(device("direct"), physAddr(0x10_0000), 64, "to-device", { unchecked: true });
      expect(dma.mappingError(checks)).toBe(false);
      dma.unmapPage(checks);
    });
    expect(clean).toEqual([]);
  });
});

describe("each sin is found by its entry, and nothing else", () => {
  test("X-1: a driver goes while something is mapped", () => {
    const findings = withPage("to-device", ({ dma, device }, mapping) => {
      dma.unbindDriver(device("direct"));
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-1"]);
    expect(findings[0]?.message).toContain("1 mappings are left, one of them single of 4096 bytes");
  });

  test("X-2: what failed is given back", () => {
    const findings = found(function* ({ dma, device }) {
      device("direct").masks.set(32);
      const far = dma.mapPage(device("direct"), physAddr(2 ** 32), PAGE, "to-device", { unchecked: true });
      expect(dma.mappingError(far)).toBe(true);
      dma.unmapPage(far);
      yield 0;
    });
    expect(rules(findings)).toEqual(["X-2"]);
  });

  test("X-3: given back twice", () => {
    const findings = withPage("to-device", ({ dma }, mapping) => {
      dma.unmapPage(mapping);
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-3"]);
  });

  test("X-4: another size", () => {
    const findings = withPage("to-device", ({ dma }, mapping) => dma.unmapPage(mapping, { size: 100 }));
    expect(rules(findings)).toEqual(["X-4"]);
    expect(findings[0]?.message).toContain("100 bytes are given back of 4096; mapped by main at 0 ns");
  });

  test("X-5: another kind, which only untyped code can do", () => {
    const findings = found(function* ({ dma, device }) {
      const one = Extents.of([0x10_0000, 0x10_1000]);
      dma.unmapPage(dma.mapSgtable(device("direct"), one, "to-device") as never);
      yield 0;
    });
    expect(rules(findings)).toEqual(["X-5"]);
    expect(findings[0]?.message).toContain("mapped as scatter-gather, given back as single");
  });

  test("X-6: coherent memory is freed at another address", () => {
    const findings = found(function* ({ dmaAllocations, device }) {
      const memory = yield* dmaAllocations.coherent(device("direct"), PAGE);
      dmaAllocations.freeCoherent(memory, { address: (memory.address as CpuAddr) + 64 });
    });
    expect(rules(findings)).toEqual(["X-6"]);
  });

  test("X-7: another number of entries, at unmap and at sync", () => {
    const findings = found(function* ({ dma, device }) {
      const mapping = dma.mapSgtable(device("direct"), scattered, "to-device");
      dma.syncSgtableForCpu(mapping, "to-device", 1);
      dma.unmapSgtable(mapping, { entries: 1 });
      yield 0;
    });
    expect(rules(findings)).toEqual(["X-7", "X-7"]);
  });

  test("X-8: another direction", () => {
    const findings = withPage("to-device", ({ dma }, mapping) =>
      dma.unmapPage(mapping, { direction: "from-device" }),
    );
    expect(rules(findings)).toEqual(["X-8"]);
  });

  test("X-9: nobody asked whether it failed", () => {
    const findings = found(function* ({ dma, device }) {
      dma.unmapPage(
        dma.mapPage(device("direct"), physAddr(0x10_0000), PAGE, "to-device", { unchecked: true }),
      );
      yield 0;
    });
    expect(rules(findings)).toEqual(["X-9"]);
  });

  test.each([
    ["X-10", "stack"],
    ["X-11", "text"],
    ["X-11", "rodata"],
    ["X-12", "vmalloc"],
  ] as const)("%s: memory on or in the kernel's %s", (rule, area) => {
    const findings = found(function* ({ dma, device }) {
      yield 0;
      expect(() => dma.mapSingle(device("direct"), kernelAddress(area, 0x1000), 64, "to-device")).toThrow(
        "no address of the linear map",
      );
    });
    expect(rules(findings)).toContain(rule);
  });

  test("X-13: a sync of what is not mapped", () => {
    const findings = withPage("to-device", ({ dma }, mapping) => {
      dma.unmapPage(mapping);
      dma.syncSingleForCpu(mapping);
    });
    expect(rules(findings)).toEqual(["X-13"]);
  });

  test("X-14: a sync beyond the end", () => {
    const findings = withPage("bidirectional", ({ dma }, mapping) => {
      dma.syncSingleForCpu(mapping, { offset: 4032, size: 128 });
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-14"]);
  });

  test("X-15 and X-16: a sync for the CPU of what the device only reads", () => {
    const findings = withPage("to-device", ({ dma }, mapping) => {
      dma.syncSingleForCpu(mapping, { direction: "from-device" });
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-15", "X-16"]);
  });

  test("X-15 and X-17: a sync for the device of what it only writes", () => {
    const findings = withPage("from-device", ({ dma }, mapping) => {
      dma.syncSingleForDevice(mapping, { direction: "to-device" });
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-15", "X-17"]);
  });

  test("X-18 and X-19: an entry that is longer than the device takes, and one that crosses its boundary", () => {
    const picky = { class: "dma", coherent: false, maxSegmentSize: 4096, segmentBoundaryMask: 0x1fff };
    const findings = assemble(
      { ...platform.board, devices: { ...platform.board.devices, picky } },
      platform.plugins,
    )
      .inspect(function* ({ dma, device }) {
        const entries = Extents.each([0x1000, 0x4000, 0x7800], [0x2000, 0x6000, 0x8400]);
        dma.unmapSgtable(dma.mapSgtable(device("picky"), entries, "to-device"));
        dma.unmapSgtable(dma.mapSgtable(device("direct"), entries, "to-device"));
        yield 0;
      })
      .findings.filter(({ code }) => code === "dma-api-misuse");
    expect(rules(findings)).toEqual(["X-18", "X-19"]);
    expect(findings[0]?.message).toContain("entry 1, 8192 bytes at 0x4000, is longer than the 4096");
    expect(findings[1]?.message).toContain("entry 2, 3072 bytes at 0x7800, crosses a multiple of 8192");
  });

  test("X-20: one line mapped twice for a device that writes it", () => {
    const findings = withPage("from-device", ({ dma, device }, mapping) => {
      const again = dma.mapPage(device("direct"), physAddr(0x10_0020), 32, "from-device");
      dma.unmapPage(again);
      dma.unmapPage(mapping);
    });
    expect(rules(findings)).toEqual(["X-20"]);
    expect(
      withPage("to-device", ({ dma, device }, mapping) => {
        dma.unmapPage(dma.mapPage(device("direct"), physAddr(0x10_0020), 32, "to-device"));
        dma.unmapPage(mapping);
      }),
      "a device that only reads may be given it twice",
    ).toEqual([]);
  });

  test("X-21: more mappings at once than the table holds, and nothing is checked after that", () => {
    const { simulation, dma, device } = platform.boot();
    const debug = new DmaDebug(simulation.trace, 64, () => false, 2);
    const pages = [0x10_0000, 0x10_1000, 0x10_2000].map((address) =>
      dma.mapPage(device("direct"), physAddr(address), PAGE, "to-device"),
    );
    for (const page of pages) dma.unmapPage(page, { size: 1 });
    expect(rules(debug.findings())).toEqual(["X-21"]);
  });

  test("X-22: an exporter hands out segments that are not whole pages", () => {
    const findings = found(function* (system) {
      const extents = Extents.of([0x10_0000, 0x10_0800]);
      using buffer = system.dmaBuf.export({
        exporterName: "odd",
        size: 2048,
        ops: {
          *map({ device }, direction) {
            yield 0;
            return system.dma.mapSgtable(device, extents, direction);
          },
          *unmap(_attachment, mapping) {
            yield 0;
            system.dma.unmapSgtable(mapping);
          },
          release() {},
        },
      });
      const attachment = yield* buffer.attach(system.device("direct"));
      yield* attachment.unmapUnlocked(yield* attachment.mapUnlocked("to-device"));
      yield* attachment.detach();
    });
    expect(rules(findings)).toEqual(["X-22"]);
  });

  test("X-23: the CPU touches what the device has, until it is synced for the CPU", () => {
    const touched = (direction: "to-device" | "from-device", kind: "read" | "write", synced: boolean) =>
      rules(
        withPage(direction, ({ dma, cpu }, mapping) => {
          if (synced) dma.syncSingleForCpu(mapping);
          cpu.access(kind, Extents.of([0x10_0040, 0x10_0080]));
          if (synced) dma.syncSingleForDevice(mapping);
          dma.unmapPage(mapping);
        }),
      );
    expect(touched("from-device", "read", false)).toEqual(["X-23"]);
    expect(touched("from-device", "write", false)).toEqual(["X-23"]);
    expect(touched("to-device", "write", false)).toEqual(["X-23"]);
    expect(touched("to-device", "read", false), "both only read").toEqual([]);
    for (const direction of ["to-device", "from-device"] as const)
      for (const kind of ["read", "write"] as const) expect(touched(direction, kind, true)).toEqual([]);
  });

  test("X-23: a sync that ends inside a line, of a device that is not coherent", () => {
    const synced = (name: string, size: number) =>
      rules(
        found(function* ({ dma, device }) {
          const mapping = dma.mapPage(device(name), physAddr(0x10_0000), PAGE, "bidirectional");
          dma.syncSingleForCpu(mapping, { offset: 128, size });
          dma.syncSingleForDevice(mapping, { offset: 128, size });
          dma.unmapPage(mapping);
          yield 0;
        }),
      );
    expect(synced("direct", 100)).toEqual(["X-23", "X-23"]);
    expect(synced("direct", 128)).toEqual([]);
    expect(synced("snoop", 100)).toEqual([]);
  });

  test("X-23: a device does the opposite of what its memory was mapped for", () => {
    const does = (kind: "read" | "write") =>
      rules(
        withPage("to-device", ({ dma, dmaBuf, device }, mapping) => {
          dmaBuf.transfers.accessAt(device("direct"), mapping.dmaAddress as DmaAddr, 64, kind);
          dma.unmapPage(mapping);
        }),
      );
    expect(does("write")).toEqual(["X-23"]);
    expect(does("read")).toEqual([]);
  });
});
