// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { assemble, board, type DmaDevice, KernelError, type Process, type System } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";

const platform = assemble(
  board({
    model: "allocations",
    memory: [
      { base: 0, size: "32MiB" },
      { base: 2 ** 32, size: "32MiB" },
    ],
    pools: [{ kind: "cma", size: "16MiB" }],
    devices: {
      plain: { class: "dma", coherent: false },
      snooping: { class: "dma", coherent: true },
      narrow: { class: "dma", coherent: false, addressBits: 32 },
      high: { class: "dma", coherent: false, offset: 2 ** 32 },
    },
  }),
  [toyArch()],
);
const on = <T>(process: (system: System) => Process<T>): T => platform.simulate(process);
const errnoOf = (process: (system: System) => Process<unknown>): string => {
  try {
    on(process);
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
  return "none";
};

describe("coherent memory", () => {
  test("is cached for a coherent device, and not for another; zeroed, and its cached alias is cleaned (D-28, D-30, D-31)", () => {
    on(function* ({ dmaAllocations, device, analysis }) {
      const cached = yield* dmaAllocations.coherent(device("snooping"), 100);
      expect([cached.size, cached.memoryType]).toEqual([4096, "write-back"]);
      const before = analysis.log.length;
      const uncached = yield* dmaAllocations.coherent(device("plain"), 8192);
      expect([uncached.size, uncached.memoryType]).toEqual([8192, "uncached"]);
      const kinds = [];
      for (let step = before; step < analysis.log.length; step++)
        kinds.push(analysis.log.operation(step).kind);
      expect(kinds).toEqual(["write", "clean"]);
      expect(uncached.dmaAddress % 8192, "aligned to its order").toBe(0);
      dmaAllocations.freeCoherent(cached);
      dmaAllocations.freeCoherent(uncached);
    });
  });

  test("comes from CMA for more than a page, and goes back there (D-32)", () => {
    on(function* ({ dmaAllocations, device, memory, dma }) {
      const [pool] = memory.cma.values();
      const free = pool?.freePages;
      const pages = memory.pages.freePageCount();
      const large = yield* dmaAllocations.coherent(device("narrow"), 4 * 2 ** 20);
      expect([large.source, pool?.freePages]).toEqual(["cma", (free as number) - large.size / 4096]);
      const small = yield* dmaAllocations.coherent(device("narrow"), 1);
      expect(small.source).toBe("pages");
      dmaAllocations.freeCoherent(large);
      dmaAllocations.freeCoherent(small);
      expect([pool?.freePages, memory.pages.freePageCount(), dma.live.size]).toEqual([free, pages, 0]);
    });
  });

  test("is where the device's coherent mask and windows reach it", () => {
    on(function* ({ dmaAllocations, device }) {
      for (const name of ["narrow", "plain", "high"]) {
        const memory = yield* dmaAllocations.coherent(device(name), 4096);
        const phys = memory.extents.addressAt(0);
        if (name === "narrow") expect(phys).toBeLessThan(2 ** 32);
        if (name === "high") expect([phys >= 2 ** 32, memory.dmaAddress]).toEqual([true, phys - 2 ** 32]);
        dmaAllocations.freeCoherent(memory);
      }
    });
    const all = 64 * 2 ** 20;
    expect(errnoOf(({ dmaAllocations, device }) => dmaAllocations.coherent(device("plain"), all))).toBe(
      "ENOMEM",
    );
    expect(errnoOf(({ dmaAllocations, device }) => dmaAllocations.coherent(device("plain"), 0))).toBe(
      "EINVAL",
    );
  });

  test("without a mapping for the kernel it is a cookie (D-29)", () => {
    on(function* ({ dmaAllocations, device }) {
      const cookie = yield* dmaAllocations.coherent(device("plain"), 64, { noKernelMapping: true });
      expect(cookie.address).toBeNull();
      dmaAllocations.freeCoherent(cookie, { noKernelMapping: true });
    });
  });
});

describe("the same memory for another device (D32)", () => {
  const remapped = (owner: string, other: string) =>
    on(function* ({ dmaAllocations, device, analysis }) {
      const memory = yield* dmaAllocations.coherent(device(owner), 4096);
      const before = analysis.log.length;
      const view = dmaAllocations.remap(memory, device(other) as DmaDevice);
      const maintenance = analysis.log.length - before;
      const offset = memory.extents.addressAt(0) - view.dmaAddress;
      dmaAllocations.freeCoherent(memory);
      return { maintenance, offset, kind: view.kind };
    });

  test("coherent memory is there at once, at the device's own address, without maintenance", () => {
    expect(remapped("high", "plain")).toEqual({ maintenance: 0, offset: 0, kind: "coherent" });
    expect(remapped("plain", "snooping")).toMatchObject({ maintenance: 0 });
  });

  test("cached memory of a coherent device is refused to one that is not", () => {
    expect(() => remapped("snooping", "plain")).toThrow("-EINVAL");
    expect(() => remapped("snooping", "plain")).toThrow("would miss what is in the cache");
  });

  test("beyond its reach it is refused", () => {
    expect(() => remapped("narrow", "high")).toThrow("-EIO");
  });

  test("pages that need syncs are mapped for it, with the maintenance that takes", () => {
    on(function* ({ dmaAllocations, device, dma, analysis }) {
      const pages = yield* dmaAllocations.pages(device("snooping"), 4096, "to-device");
      const before = analysis.log.length;
      const mapping = dmaAllocations.remap(pages, device("plain"));
      expect([mapping.kind, analysis.log.length - before]).toEqual(["sg", 1]);
      dma.unmapSgtable(mapping);
      dmaAllocations.freePages(pages);
      const piece = yield* dmaAllocations.noncontiguous(device("plain"), 8192, "from-device", {
        allocSinglePages: true,
      });
      expect([piece.nents, piece.size]).toEqual([1, 8192]);
      dma.unmapSgtable(dmaAllocations.remap(piece, device("plain")));
      dmaAllocations.freeNoncontiguous(piece);
    });
  });
});

test("a noncontiguous allocation takes no other attribute (D-35)", () => {
  expect(() =>
    on(({ dmaAllocations, device }) =>
      dmaAllocations.noncontiguous(device("plain"), 4096, "from-device", { writeCombine: true }),
    ),
  ).toThrow("it takes no attribute writeCombine");
});

describe("what is allocated cached is synced like any mapping (D-34, D-35)", () => {
  test("for the device and for the CPU, whole and in part, without a complaint", () => {
    const { findings } = platform.inspect(function* ({ dma, dmaAllocations, device, analysis }) {
      const kinds = (): string[] => {
        const names = [];
        for (let step = 0; step < analysis.log.length; step++) {
          const { kind, route } = analysis.log.operation(step);
          if (route === null) names.push(`${kind} ${analysis.log.extents(step).bytes}`);
        }
        return names;
      };
      const pages = yield* dmaAllocations.pages(device("plain"), 8192, "bidirectional");
      dma.syncSingleForDevice(pages);
      dma.syncSingleForCpu(pages, { offset: 4096, size: 64, direction: "from-device" });
      const list = yield* dmaAllocations.noncontiguous(device("plain"), 4096, "from-device");
      dma.syncSgtableForDevice(list);
      dma.syncSgtableForCpu(list);
      expect(kinds()).toEqual(["clean 8192", "invalidate 64", "clean 4096", "invalidate 4096"]);
      const coherent = yield* dmaAllocations.pages(device("snooping"), 4096, "bidirectional");
      dma.syncSingleForDevice(coherent);
      expect(kinds()).toHaveLength(4);
      dmaAllocations.freePages(pages);
      dmaAllocations.freeNoncontiguous(list);
      dmaAllocations.freePages(coherent);
    });
    expect(findings.filter(({ code }) => code === "dma-api-misuse")).toEqual([]);
  });
});

test("the mask that is enough is all ones up to the highest memory (D-17)", () => {
  on(function* ({ dma, device }) {
    yield 0;
    expect(dma.requiredMask(device("plain"))).toBe(2 ** 33 - 1);
    expect(dma.requiredMask(device("high")), "at its own addresses").toBe(2 ** 25 - 1);
  });
});

describe("coherent memory for others (D-33)", () => {
  test("user space maps it, or whole pages of it, as the kernel does", () => {
    on(function* ({ dmaAllocations, device }) {
      const memory = yield* dmaAllocations.coherent(device("plain"), 3 * 4096);
      const phys = memory.extents.addressAt(0);
      expect(dmaAllocations.mmap(memory)).toEqual({ extents: memory.extents, memoryType: "uncached" });
      expect([...dmaAllocations.mmap(memory, 4096, 100).extents.pairs]).toEqual([phys + 4096, phys + 8192]);
      for (const [offset, length] of [
        [8192, 8192],
        [100, 64],
        [-4096, 4096],
        [0, 0],
      ] as const)
        expect(() => dmaAllocations.mmap(memory, offset, length)).toThrow("-ENXIO");
      expect(dmaAllocations.sgTable(memory).origNents).toBe(1);
      dmaAllocations.freeCoherent(memory);
    });
  });
});
