// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../src/address.ts";
import { ownReach } from "../../src/dma/backend/own-reach.ts";
import { Extents, type SgMapping, type System } from "../../src/index.ts";
import { ioPageFault } from "../../src/iommu/iommu-trace.ts";
import { IommuProt, PlainTable, refused, StackedTranslation } from "../../src/iommu.ts";
import { translatedSystem } from "./translated.ts";

const PAGE = 4096;
const PAGES = 12;
const VA = 0x7f00_0000;
const READ_WRITE = IommuProt.READ | IommuProt.WRITE;

/** Boards whose devices get at memory in every way that there is. */
const boards = {
  nothing: { iommu: null },
  "a window at another address": { iommu: null, offset: -0x4000_0000 },
  "an IOMMU": { iommu: "strict" },
  "an IOMMU and a mask": { iommu: "lazy", addressBits: 32 },
  "bounce buffers": { iommu: null, coherent: true },
} as const;

interface Mapped {
  readonly system: System;
  readonly mapping: SgMapping;
  /** Bus address of each page of the mapping. */
  readonly pages: readonly number[];
}

/** Scattered memory, mapped for a device of such a board. */
function mapped(of: keyof typeof boards): Mapped {
  const system = translatedSystem(
    { gpu: boards[of] },
    of === "bounce buffers" ? { swiotlb: { size: "1MiB", force: true } } : {},
  );
  const extents = Extents.of(
    [0x20_0000, 0x20_3000],
    [0x41_0000, 0x41_1000],
    [0x31_0000, 0x31_6000],
    [0x50_0000, 0x50_2000],
  );
  const mapping = system.dma.mapSgtable(system.device("gpu"), extents, "bidirectional");
  const pages: number[] = [];
  for (let i = 0; i < mapping.nents; i++)
    for (let at = 0; at < (mapping.dmaLengths[i] as number); at += PAGE)
      pages.push((mapping.dmaAddresses[i] as number) + at);
  expect(pages).toHaveLength(PAGES);
  return { system, mapping, pages };
}

/** The physical bytes of parts, with their ways, range by range. */
const ranges = (parts: ReturnType<typeof ownReach>) =>
  parts.flatMap(({ route, extents }) =>
    Array.from({ length: extents.count }, (_, i) => [route, extents.starts[i], extents.ends[i]] as const),
  );

/** Neighbours joined that take the same way. */
function joined(parts: ReturnType<typeof ranges>): ReturnType<typeof ranges> {
  const all: [(typeof parts)[number][0], number, number][] = [];
  for (const [route, start, end] of parts) {
    const last = all.at(-1);
    if (last?.[0] === route && last[2] === start) last[2] = end as number;
    else all.push([route, start as number, end as number]);
  }
  return all;
}

describe.each(Object.keys(boards) as (keyof typeof boards)[])(
  "a device with an MMU of its own and %s",
  (of) => {
    const { system, mapping, pages } = mapped(of);
    const device = system.device("gpu");
    const work = { kind: "read", event: 0 } as const;
    const path = (translation: PlainTable) => ({ translation, mapping, route: device.route });

    test("reaches by its own addresses what the mapping's pages are, in whatever order it has them", () => {
      const order = fc.shuffledSubarray(
        pages.map((_, i) => i),
        { minLength: 1 },
      );
      fc.assert(
        fc.property(order, fc.nat(PAGE - 1), fc.nat(PAGE - 1), (chosen, skip, cut) => {
          const mmu = new PlainTable();
          chosen.forEach((page, i) => {
            mmu.map((VA + i * PAGE) as DmaAddr, pages[page] as PhysAddr, PAGE, READ_WRITE);
          });
          const length = Math.max(1, chosen.length * PAGE - skip - cut);
          const found = ownReach(device, { address: VA + skip, length }, path(mmu), work, system.simulation);
          const expected = chosen.flatMap((page, i) => {
            const from = i === 0 ? skip : 0;
            const to = Math.min(PAGE, skip + length - i * PAGE);
            if (to <= from) return [];
            const offset = page * PAGE + from;
            const part = mapping.extents.slice(offset, to - from);
            return ranges(mapping.placement.reached(part, device.route, { ...work, offset }));
          });
          expect(ranges(found)).toEqual(joined(expected));
        }),
        { seed: 20261120, numRuns: 60 },
      );
    });

    test("ends where its own MMU refuses", () => {
      const mmu = new PlainTable();
      mmu.map(VA as DmaAddr, pages[3] as PhysAddr, PAGE, READ_WRITE);
      const found = ownReach(
        device,
        { address: VA + 16, length: 2 * PAGE },
        path(mmu),
        work,
        system.simulation,
      );
      expect(found.reduce((sum, { extents }) => sum + extents.bytes, 0)).toBe(PAGE - 16);
    });
  },
);

test("ends where the IOMMU behind refuses, and says which address that was", () => {
  const { system, mapping, pages } = mapped("an IOMMU");
  const device = system.device("gpu");
  const mmu = new PlainTable();
  mmu.map(VA as DmaAddr, pages[0] as PhysAddr, PAGE, READ_WRITE);
  mmu.map((VA + PAGE) as DmaAddr, 0x1000 as PhysAddr, PAGE, READ_WRITE);
  const faults: string[] = [];
  system.simulation.trace.subscribe(ioPageFault, (event) => faults.push(event.text("iova")));
  const found = ownReach(
    device,
    { address: VA, length: 2 * PAGE },
    { translation: mmu, mapping, route: device.route },
    { kind: "write", event: 0 },
    system.simulation,
  );
  expect(found.reduce((sum, { extents }) => sum + extents.bytes, 0)).toBe(PAGE);
  expect(faults).toEqual(["0x1000"]);
});

test("what lies inside of the device does not reach the bus, and does not end the access", () => {
  const system = translatedSystem({ gpu: { iommu: null } });
  const device = system.device("gpu");
  const inner = {
    translate: (address: number) => ({
      ...{ fault: null, address, end: address + PAGE, snooping: "device" as const, missing: null },
      inside: address < 2 * PAGE,
    }),
  };
  const found = ownReach(
    device,
    { address: PAGE, length: 2 * PAGE },
    { translation: inner, mapping: null, route: device.route },
    { kind: "read", event: 0 },
    system.simulation,
  );
  expect(found.map(({ extents }) => [...extents.pairs])).toEqual([[2 * PAGE, 3 * PAGE]]);
  const stacked = new StackedTranslation(inner, {
    translate: (address) => refused("nothing there", address),
  });
  expect(stacked.translate(PAGE, IommuProt.READ)).toMatchObject({ fault: null, address: PAGE, inside: true });
  expect(stacked.translate(2 * PAGE, IommuProt.READ).fault).toBe("nothing there");
});

test("what its own MMU says about snooping is the way from there, unless something nearer to memory knows better", () => {
  const system = translatedSystem({ gpu: { iommu: null, coherent: true, noSnoop: true } });
  const device = system.device("gpu");
  const snooped = device.snoopedRoute ?? expect.fail("the board gives every device a way that snoops");
  const found = ownReach(
    device,
    { address: 0x1000, length: 16 },
    {
      translation: {
        translate: (address, access) =>
          access === IommuProt.READ
            ? {
                fault: null,
                address,
                end: address + 8,
                snooping: address < 0x1008 ? "always" : "never",
                missing: null,
              }
            : refused("read only", address),
      },
      mapping: null,
      route: device.route,
    },
    { kind: "read", event: 0 },
    system.simulation,
  );
  expect(found.map(({ route, extents }) => [route, [...extents.pairs]])).toEqual([
    [snooped, [0x1000, 0x1008]],
    [device.unsnoopedRoute ?? device.route, [0x1008, 0x1010]],
  ]);
});
