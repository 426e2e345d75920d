// SPDX-License-Identifier: MIT
// What hardware keeps, and what each granularity of an invalidation has it forget (VT-d 6.5.2), with tables made by hand.
import { IommuProt, LooseTableMemory, PageTable } from "@dmabuf/core/iommu";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeContext, TranslationType } from "../src/context-entry.ts";
import { encode } from "../src/descriptor-words.ts";
import { firstLevel } from "../src/first-level.ts";
import type { Descriptor } from "../src/invalidation-descriptor.ts";
import { encodeDirectory, encodePasid, Pgtt } from "../src/pasid-entry.ts";
import { RemappingHardware } from "../src/remapping-hardware.ts";
import { type Mode, rootHalf } from "../src/root-table.ts";
import { encodeScalableContext } from "../src/scalable-context-entry.ts";
import { secondLevel } from "../src/second-level.ts";
import { StructureMemory } from "../src/structure-memory.ts";

const { READ } = IommuProt;
const [FIRST, SECOND] = [0x10, 0x18];
const AT = 0x4000_0000;
const none = { address: 0, mask: 0 };

let tables: LooseTableMemory;
let memory: StructureMemory;
let hardware: RemappingHardware;
let contexts: number;
let pages: PageTable;

function power(mode: Mode): void {
  tables = new LooseTableMemory();
  memory = new StructureMemory(tables, false);
  const root = memory.allocate();
  contexts = memory.allocate();
  memory.write(root, 0, rootHalf(contexts));
  hardware = new RemappingHardware({
    ...{ memory, mode, tables, rootTable: root, width: 48, snoopControl: true, cachingMode: false },
    fault: () => {},
  });
  const format = mode === "legacy" ? secondLevel(48, []) : firstLevel(48, []);
  pages = new PageTable(format, { memory: tables });
  pages.mapPages(AT, 0x10_0000, 0x1000, 4, READ);
  hardware.know(pages);
}

function invalidate(...descriptors: Descriptor[]): void {
  const wait: Descriptor = { kind: "inv_wait_dsc", status: 2, statusAddress: 0 };
  hardware.queue.submit([...descriptors, wait].map((descriptor) => encode(descriptor)));
}

const reaches = (source: number, address = AT): boolean =>
  hardware.translate(source, address, READ).fault === null;

describe("the context cache", () => {
  const context = (source: number, domainId: number): void =>
    memory.write(
      contexts,
      source * 4,
      encodeContext({
        ...{ faultsDisabled: false, type: TranslationType.MULTI_LEVEL, pageTable: pages.rootAddress },
        ...{ width: 48, domainId },
      }),
    );
  const cc = (granularity: "global" | "domain" | "selective", domain = 0, source = 0): Descriptor => ({
    ...{ kind: "cc_inv_dsc", granularity, domain, source },
  });
  beforeEach(() => {
    power("legacy");
    context(FIRST, 2);
    context(SECOND, 3);
    expect([reaches(FIRST), reaches(SECOND)]).toEqual([true, true]);
    memory.write(contexts, FIRST * 4, [0, 0, 0, 0]);
    memory.write(contexts, SECOND * 4, [0, 0, 0, 0]);
  });

  test("keeps entries that are gone", () => {
    expect([reaches(FIRST), reaches(SECOND)]).toEqual([true, true]);
  });

  test("forgets those of a device, of a domain, or all", () => {
    invalidate(cc("selective", 2, FIRST));
    expect([reaches(FIRST), reaches(SECOND)]).toEqual([false, true]);
    invalidate(cc("domain", 2));
    expect(reaches(SECOND)).toBe(true);
    invalidate(cc("domain", 3));
    expect(reaches(SECOND)).toBe(false);
  });

  test("forgets all", () => {
    invalidate(cc("global"));
    expect([reaches(FIRST), reaches(SECOND)]).toEqual([false, false]);
  });
});

describe("the IOTLB", () => {
  const iotlb = (granularity: "global" | "domain" | "selective", domain = 0, block = none): Descriptor => ({
    ...{ kind: "iotlb_inv_dsc", granularity, domain, block, leafOnly: true },
  });
  beforeEach(() => {
    power("legacy");
    const entry = {
      faultsDisabled: false,
      type: TranslationType.MULTI_LEVEL,
      width: 48,
      domainId: 2,
    } as const;
    memory.write(contexts, FIRST * 4, encodeContext({ ...entry, pageTable: pages.rootAddress }));
    for (let page = 0; page < 4; page++) reaches(FIRST, AT + page * 0x1000);
    pages.unmapPages(AT, 0x1000, 4);
  });
  const kept = (): boolean[] => [0, 1, 2, 3].map((page) => reaches(FIRST, AT + page * 0x1000));

  test("keeps pages that are gone, and forgets a block of them", () => {
    expect(kept()).toEqual([true, true, true, true]);
    invalidate(iotlb("selective", 2, { address: AT + 0x2000, mask: 1 }));
    expect(kept()).toEqual([true, true, false, false]);
    invalidate(iotlb("selective", 3, { address: AT, mask: 1 }), iotlb("domain", 3));
    expect(kept()).toEqual([true, true, false, false]);
  });

  test("forgets a domain, or everything", () => {
    invalidate(iotlb("domain", 2));
    expect(kept()).toEqual([false, false, false, false]);
  });

  test("forgets everything", () => {
    invalidate(iotlb("global"));
    expect(kept()).toEqual([false, false, false, false]);
  });
});

describe("the PASID cache", () => {
  const pc = (granularity: "global" | "domain" | "selective", domain = 0, pasid = 0): Descriptor => ({
    ...{ kind: "pc_inv_dsc", granularity, domain, pasid },
  });
  const works = (pasid: number): boolean => hardware.translate(FIRST, AT, READ, pasid).fault === null;
  beforeEach(() => {
    power("scalable");
    const [directory, table] = [memory.allocate(), memory.allocate()];
    const context = { faultsDisabled: false, deviceTlb: false, pasids: true, directorySize: 0, ridPasid: 0 };
    memory.write(contexts, FIRST * 8, encodeScalableContext({ ...context, directory }));
    memory.write(directory, 0, encodeDirectory(table));
    const entry = { faultsDisabled: false, type: Pgtt.FIRST_LEVEL, width: 48 } as const;
    const rest = { pageTable: pages.rootAddress, walkSnoop: false, pageSnoop: false };
    for (const [pasid, domainId] of [
      [1, 2],
      [2, 2],
      [3, 3],
    ] as const) {
      memory.write(table, pasid * 16, encodePasid({ ...entry, ...rest, domainId }));
      expect(works(pasid)).toBe(true);
      memory.write(table, pasid * 16, new Array<number>(16).fill(0));
    }
  });
  const working = (): boolean[] => [1, 2, 3].map(works);

  test("keeps entries that are gone, and forgets one of them", () => {
    expect(working()).toEqual([true, true, true]);
    invalidate(pc("selective", 2, 1), pc("selective", 2, 3));
    expect(working()).toEqual([false, true, true]);
  });

  test("forgets those of a domain", () => {
    invalidate(pc("domain", 2));
    expect(working()).toEqual([false, false, true]);
  });

  test("forgets all", () => {
    invalidate(pc("global"));
    expect(working()).toEqual([false, false, false]);
  });
});
