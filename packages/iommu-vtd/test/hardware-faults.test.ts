// SPDX-License-Identifier: MIT
import { IommuProt, LooseTableMemory, PageTable } from "@dmabuf/core/iommu";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeContext, TranslationType } from "../src/context-entry.ts";
import type { FaultRecord } from "../src/fault-recording.ts";
import { firstLevel } from "../src/first-level.ts";
import { encodeDirectory, encodePasid, Pgtt } from "../src/pasid-entry.ts";
import { RemappingHardware } from "../src/remapping-hardware.ts";
import { type Mode, rootHalf } from "../src/root-table.ts";
import { encodeScalableContext } from "../src/scalable-context-entry.ts";
import { secondLevel } from "../src/second-level.ts";
import { StructureMemory } from "../src/structure-memory.ts";

// Tables made by hand, one thing wrong in each, and what VT-d chapter 7 says that hardware reports.
const { READ, WRITE, CACHE, PRIV } = IommuProt;
const GPU = 0x10;
const IOVA = 0x4000_0000;

let tables: LooseTableMemory;
let memory: StructureMemory;
let root: number;
let faults: FaultRecord[];
let hardware: RemappingHardware;

function power(mode: Mode, snoopControl = true): void {
  tables = new LooseTableMemory();
  memory = new StructureMemory(tables, false);
  root = memory.allocate();
  faults = [];
  hardware = new RemappingHardware({
    ...{ memory, mode, tables, rootTable: root, width: 48, snoopControl, cachingMode: false },
    fault: (record) => faults.push(record),
  });
}

const second = (phys = 0x10_0000, prot: number = READ | WRITE): PageTable => {
  const table = new PageTable(secondLevel(48, ["2MiB"], 39), { memory: tables });
  table.mapPages(IOVA, phys, 0x1000, 1, prot);
  hardware.know(table);
  return table;
};

/** The words of a fault: its code, and what the message says. */
function refusal(address = IOVA, access: number = READ, pasid?: number): [number | null, string | null] {
  const before = faults.length;
  const { fault } = hardware.translate(GPU, address, access, pasid);
  return [faults[before]?.reason ?? null, fault];
}

describe("in legacy mode", () => {
  const context = (entry: Partial<Parameters<typeof encodeContext>[0]> = {}): readonly number[] =>
    encodeContext({
      ...{ faultsDisabled: false, type: TranslationType.MULTI_LEVEL, pageTable: second().rootAddress },
      ...{ width: 48, domainId: 2, ...entry },
    });
  const install = (words: readonly number[]): void => {
    const table = memory.allocate();
    memory.write(root, 0, rootHalf(table));
    memory.write(table, GPU * 4, words);
  };
  beforeEach(() => power("legacy"));

  test("0x01: the root entry is not present", () => {
    expect(refusal()).toEqual([0x01, "fault reason 0x01: root entry not present"]);
  });

  test("0x02: the context entry is not present", () => {
    install([0, 0, 0, 0]);
    expect(refusal()[0]).toBe(0x02);
  });

  test("0x03: a width that hardware does not know, or a reserved TT", () => {
    install(context({ width: 57 }));
    expect(refusal()[0]).toBe(0x03);
    power("legacy");
    install(context({ type: 3 }));
    expect(refusal()[0]).toBe(0x03);
    power("legacy");
    install(context({ width: null }));
    expect(refusal()[0]).toBe(0x03);
  });

  test("0x04: an address beyond the width of the entry", () => {
    install(context());
    expect(refusal(2 ** 48)[0]).toBe(0x04);
    expect(refusal(2 ** 48 - 1)[0]).toBe(0x06);
  });

  test("0x05 and 0x06: what the paging entry does not allow, or is not present", () => {
    install(context({ pageTable: second(0x10_0000, READ).rootAddress }));
    expect(refusal(IOVA, WRITE)).toEqual([
      0x05,
      "fault reason 0x05: no write permission in the paging entry",
    ]);
    expect(refusal(IOVA + 0x1000, READ)).toEqual([
      ...[0x06, "fault reason 0x06: no read permission in the paging entry, level 1"],
    ]);
    expect(refusal(0, WRITE)[1]).toBe("fault reason 0x05: no write permission in the paging entry, level 3");
    expect(refusal(2 ** 47, WRITE)[1]).toMatch("level 4");
    power("legacy");
    install(context({ pageTable: second(0x10_0000, WRITE).rootAddress }));
    expect(refusal(IOVA, READ)[0]).toBe(0x06);
    expect(refusal(IOVA, WRITE)[1]).toBeNull();
  });

  test("0x07, 0x08 and 0x09: pointers that lead nowhere", () => {
    install(context({ pageTable: 0x7777_7000 }));
    expect(refusal()[0]).toBe(0x07);
    power("legacy");
    memory.write(root, 0, rootHalf(0x7777_7000));
    expect(refusal()[0]).toBe(0x09);
    const lost = new RemappingHardware({
      ...{ memory, mode: "legacy", tables, rootTable: 0x7777_7000, width: 48, snoopControl: true },
      ...{ cachingMode: false, fault: (record) => faults.push(record) },
    });
    expect(lost.translate(GPU, IOVA, READ).fault).toMatch("0x08");
  });

  test("0x0a and 0x0b: reserved bits in root and context entries", () => {
    const table = memory.allocate();
    memory.write(root, 0, [table + 0x11, 0]);
    expect(refusal()[0]).toBe(0x0a);
    power("legacy");
    const [low = 0, ...rest] = context();
    install([low + 0x10, ...rest]);
    expect(refusal()[0]).toBe(0x0b);
  });

  test("0x0c: SNP where there is no Snoop Control", () => {
    power("legacy", false);
    install(context({ pageTable: second(0x10_0000, READ | CACHE).rootAddress }));
    expect(refusal()[0]).toBe(0x0c);
  });

  test("0x0e: a page in the range of interrupts", () => {
    install(context({ pageTable: second(0xfee0_0000).rootAddress }));
    expect(refusal()[0]).toBe(0x0e);
  });

  test("0x31: a PASID", () => {
    install(context());
    expect(refusal(IOVA, READ, 1)[0]).toBe(0x31);
  });

  test("a fault is recorded with source, page and type, and not at all under FPD", () => {
    install(context());
    hardware.translate(GPU, 0x1234, READ | WRITE);
    hardware.translate(GPU, 0x5678, READ);
    expect(faults).toEqual([
      { source: GPU, page: 0x1000, read: false, reason: 0x05, pasid: null },
      { source: GPU, page: 0x5000, read: true, reason: 0x06, pasid: null },
    ]);
    power("legacy");
    install(context({ faultsDisabled: true }));
    expect(refusal(0x1234)).toEqual([
      ...[null, "fault reason 0x06: no read permission in the paging entry, level 3"],
    ]);
  });

  test("pass-through goes where it says, interrupts past everything", () => {
    install(context({ type: TranslationType.PASS_THROUGH, pageTable: 0 }));
    expect(hardware.translate(GPU, 0x1234, WRITE)).toMatchObject({
      fault: null,
      address: 0x1234,
      end: 0xfee0_0000,
    });
    expect(hardware.translate(GPU, 0xfee0_1000, WRITE)).toMatchObject({
      address: 0xfee0_1000,
      end: 0xfef0_0000,
    });
    power("legacy");
    expect(hardware.translate(GPU, 0xfee0_1000, WRITE).fault).toBeNull();
  });
});

describe("in scalable mode", () => {
  const first = (prot: number = READ | WRITE, phys = 0x10_0000): PageTable => {
    const table = new PageTable(firstLevel(48, ["2MiB"], 39), { memory: tables });
    table.mapPages(IOVA, phys, 0x1000, 1, prot);
    hardware.know(table);
    return table;
  };
  const entry = (of: Partial<Parameters<typeof encodePasid>[0]> = {}): readonly number[] =>
    encodePasid({
      ...{ faultsDisabled: false, type: Pgtt.FIRST_LEVEL, domainId: 2, width: 48 },
      ...{ pageTable: first().rootAddress, walkSnoop: false, pageSnoop: false, ...of },
    });
  /** Tables down to the PASID entry, for PASID 0 or one that is said. */
  const install = (words: readonly number[], { pasid = 0, pasids = true } = {}): void => {
    const [contexts, directory, table] = [memory.allocate(), memory.allocate(), memory.allocate()];
    memory.write(root, 0, rootHalf(contexts));
    const context = {
      faultsDisabled: false,
      deviceTlb: false,
      pasids,
      directorySize: 0,
      directory,
      ridPasid: 0,
    };
    memory.write(contexts, GPU * 8, encodeScalableContext(context));
    memory.write(directory, (pasid >> 6) * 2, encodeDirectory(table));
    memory.write(table, (pasid & 63) * 16, words);
  };
  beforeEach(() => power("scalable"));

  test("0x39 and 0x41: root and context entries that are not present", () => {
    expect(refusal()[0]).toBe(0x39);
    memory.write(root, 0, rootHalf(memory.allocate()));
    expect(refusal()[0]).toBe(0x41);
  });

  test("0x45 and 0x46: PASIDs that are not enabled, or more than there are", () => {
    install(entry(), { pasids: false });
    expect(refusal(IOVA, READ, 1)[0]).toBe(0x45);
    power("scalable");
    install(entry());
    expect(refusal(IOVA, READ, 2 ** 13)[0]).toBe(0x46);
    expect(refusal(IOVA, READ, 2 ** 13 - 1)[0]).toBe(0x51);
  });

  test("0x51 and 0x59: entries of directory and table that are not present", () => {
    install(entry());
    expect(refusal(IOVA, READ, 64)[0]).toBe(0x51);
    expect(refusal(IOVA, READ, 1)[0]).toBe(0x59);
    expect(faults.at(-1)).toMatchObject({ pasid: 1 });
  });

  test("0x50 and 0x58: pointers of context and directory entries that lead nowhere", () => {
    const contexts = memory.allocate();
    memory.write(root, 0, rootHalf(contexts));
    const context = { faultsDisabled: false, deviceTlb: false, pasids: true, directorySize: 0, ridPasid: 0 };
    memory.write(contexts, GPU * 8, encodeScalableContext({ ...context, directory: 0x7777_7000 }));
    expect(refusal()[0]).toBe(0x50);
    power("scalable");
    const [table, directory] = [memory.allocate(), memory.allocate()];
    memory.write(root, 0, rootHalf(table));
    memory.write(table, GPU * 8, encodeScalableContext({ ...context, directory }));
    memory.write(directory, 0, encodeDirectory(0x7777_7000));
    expect(refusal()[0]).toBe(0x58);
  });

  test("0x5b: a PGTT that there is not, nested translation, which is not there either, a width too many", () => {
    for (const of of [{ type: 5 }, { type: Pgtt.NESTED }, { width: 57 }] as const) {
      power("scalable");
      install(entry(of));
      expect(refusal()[0], JSON.stringify(of)).toBe(0x5b);
    }
  });

  test("0x71 and 0x73: first-level entries that are not present, tables that are not there", () => {
    install(entry());
    expect(refusal(IOVA + 0x1000)).toEqual([
      ...[0x71, "fault reason 0x71: SM: first-level paging entry not present, level 1"],
    ]);
    power("scalable");
    install(entry({ pageTable: 0x7777_7000 }));
    expect(refusal()[0]).toBe(0x73);
  });

  test("0x79, 0x7a and 0x7b: the same of second-level tables", () => {
    const of = (pageTable: number) => entry({ type: Pgtt.SECOND_LEVEL, pageTable });
    install(of(second().rootAddress));
    expect(refusal(IOVA + 0x1000)[0]).toBe(0x79);
    power("scalable", false);
    install(of(second(0x10_0000, READ | CACHE).rootAddress));
    expect(refusal()[0]).toBe(0x7a);
    power("scalable");
    install(of(0x7777_7000));
    expect(refusal()[0]).toBe(0x7b);
  });

  test("0x80: an address whose upper bits are not those of its sign", () => {
    install(entry());
    expect(refusal(2 ** 47)[0]).toBe(0x80);
    expect(refusal(2 ** 47 - 1)[0]).toBe(0x71);
  });

  test("0x81: a user's access to a supervisor's page", () => {
    install(entry({ pageTable: first(READ | PRIV).rootAddress }));
    expect(refusal()[0]).toBe(0x81);
    expect(refusal(IOVA, READ | PRIV)[1]).toBeNull();
  });

  test("0x85 and 0x86: what a present entry does not allow", () => {
    install(entry({ pageTable: first(READ).rootAddress }));
    expect(refusal(IOVA, WRITE)[0]).toBe(0x85);
    power("scalable");
    install(entry({ type: Pgtt.SECOND_LEVEL, pageTable: second(0x10_0000, WRITE).rootAddress }));
    expect(refusal(IOVA, READ)[0]).toBe(0x86);
  });

  test("0x87: a page in the range of interrupts", () => {
    install(entry({ pageTable: first(READ, 0xfee0_1000).rootAddress }));
    expect(refusal()[0]).toBe(0x87);
  });

  test("PGSNP makes all accesses snoop, SNP those of its page, and neither leaves it to the device", () => {
    const snooping = (words: readonly number[]) => {
      install(words);
      return hardware.translate(GPU, IOVA, READ).snooping;
    };
    expect(snooping(entry())).toBe("device");
    power("scalable");
    expect(snooping(entry({ pageSnoop: true }))).toBe("always");
    power("scalable");
    expect(
      snooping(entry({ type: Pgtt.SECOND_LEVEL, pageTable: second(0x10_0000, READ | CACHE).rootAddress })),
    ).toBe("always");
    power("scalable");
    expect(snooping(entry({ type: Pgtt.PASS_THROUGH, pageTable: 0, pageSnoop: true }))).toBe("always");
  });
});
