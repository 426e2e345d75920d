// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { omissions, type SmmuV2Omission } from "../../src/v2/omission.ts";
import { flush, Machine, map, unmap } from "./machine.ts";

const MiB = 0x10_0000;

describe("what the driver writes to invalidate", () => {
  test("is TLBIVAL for pages and TLBSYNC when they are flushed", () => {
    const machine = new Machine();
    const table = machine.domain();
    map(table, 0x1000, 0x10_0000, 0x3000);
    unmap(table, 0x1000, 0x2000);
    expect(machine.log).toEqual([]);
    flush(table, 0x1000, 0x2000);
    expect(machine.log).toEqual([
      "tlbi: smmu=smmu0 register=TLBIVAL context=0 address=0x1000 size=8192 granule=4096",
      "tlb_sync: smmu=smmu0 register=TLBSYNC context=0",
    ]);
  });

  test("is one write for a block", () => {
    const machine = new Machine();
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB, 2 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    flush(table, 4 * MiB, 2 * MiB);
    expect(machine.log[0]).toMatch(/TLBIVAL .*address=0x400000 size=2097152 granule=2097152/);
  });

  test("is TLBIVA of every page and TLBSYNC before a table is freed, and not by the flush", () => {
    const machine = new Machine();
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    expect(machine.log).toEqual([
      "tlbi: smmu=smmu0 register=TLBIVA context=0 address=0x400000 size=2097152 granule=4096",
      "tlb_sync: smmu=smmu0 register=TLBSYNC context=0",
    ]);
  });

  test("is TLBIASID for all of a domain, which is its bank's index (M-61)", () => {
    const machine = new Machine({}, { a: [1], b: [2] });
    machine.domain(1);
    machine.domain(2).flushAll();
    expect(machine.log).toEqual([
      "tlbi: smmu=smmu0 register=TLBIASID context=1 address=0x0 size=0 granule=0",
      "tlb_sync: smmu=smmu0 register=TLBSYNC context=1",
    ]);
  });

  test("is TLBIIPAS2L, TLBIIPAS2, and TLBIVMID with sTLBGSYNC at stage 2", () => {
    const machine = new Machine({ stage: 2 });
    const table = machine.domain();
    map(table, 0x1000, 0x10_0000, 0x1000);
    unmap(table, 0x1000, 0x1000);
    flush(table, 0x1000, 0x1000);
    map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    table.flushAll();
    expect(machine.log.map((line) => /register=(\S+)/.exec(line)?.[1])).toEqual([
      ...["TLBIIPAS2L", "TLBSYNC", "TLBIIPAS2", "TLBSYNC", "TLBIVMID", "sTLBGSYNC"],
    ]);
  });
});

/** What a device gets at after each step that needs an invalidation, with what is missing. */
function found(omits: readonly SmmuV2Omission[], stage: 1 | 2): (string | null)[] {
  const machine = new Machine({ stage, omits });
  const table = machine.domain();
  const missing: (string | null)[] = [];
  const look = (at: number): void => {
    missing.push(machine.access(at).missing);
  };
  // A page that goes.
  map(table, 0x1000, 0x10_0000, 0x1000);
  machine.access(0x1000);
  unmap(table, 0x1000, 0x1000);
  flush(table, 0x1000, 0x1000);
  look(0x1000);
  // A table that goes with all its pages, one of which was never used.
  map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
  machine.access(4 * MiB);
  unmap(table, 4 * MiB, 2 * MiB);
  flush(table, 4 * MiB, 2 * MiB);
  look(4 * MiB + 0x3000);
  // A domain that goes, and another one that gets its context bank.
  map(table, 0x8000_0000, 0x20_0000, 0x1000);
  machine.access(0x8000_0000);
  machine.attach("blocked");
  machine.unit.freeDomain(table);
  const next = machine.domain();
  map(next, 0x8000_0000, 0x30_0000, 0x1000);
  look(0x8000_0000);
  return missing;
}

describe("what the driver forgets is found, by name", () => {
  test("and nothing is when it forgets nothing", () => {
    expect(found([], 1)).toEqual([null, null, null]);
    expect(found([], 2)).toEqual([null, null, null]);
  });

  test.each([
    ["TLBIVAL", 1, ["TLBIVAL of 0x1000 for ASID 0, TLBSYNC", null, null]],
    ["TLBIVA", 1, [null, "TLBIVA of 0x403000 for ASID 0, TLBSYNC", null]],
    ["TLBIASID", 1, [null, null, "TLBIASID of ASID 0, TLBSYNC"]],
    ["TLBIIPAS2L", 2, ["TLBIIPAS2L of 0x1000 for VMID 1, TLBSYNC", null, null]],
    ["TLBIIPAS2", 2, [null, "TLBIIPAS2 of 0x403000 for VMID 1, TLBSYNC", null]],
    ["TLBIVMID", 2, [null, null, "TLBIVMID of VMID 1, sTLBGSYNC"]],
    ["TLBSYNC", 1, ["TLBSYNC of context bank 0", "TLBSYNC of context bank 0", "TLBSYNC of context bank 0"]],
    ["sTLBGSYNC", 2, [null, null, "sTLBGSYNC"]],
  ] as const)("%s, stage %i", (omission, stage, expected) => {
    expect(found([omission], stage)).toEqual(expected);
  });

  test("and there is no other than those and the clean of tables, which is a stale read", () => {
    const machine = new Machine({ omits: ["sync_pte"] });
    const reads: string[] = [];
    machine.system.simulation.trace.subscribe("*", (event) => {
      if (event.point.name === "table_fetch") reads.push(event.toString());
    });
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000);
    machine.access(0x1000);
    expect(reads.length).toBe(4);
    expect(omissions.length).toBe(9);
  });
});

describe("an invalidation", () => {
  test("of leaves leaves the way to a table that is gone, and what lies there now is believed", () => {
    const machine = new Machine({ omits: ["TLBIVA"] });
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
    machine.access(4 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    flush(table, 4 * MiB, 2 * MiB);
    // The memory is another table's now, and the walker takes its descriptors for its own.
    map(table, 0x4000_0000 + 0x3000, 0x30_0000, 0x1000);
    expect(machine.access(4 * MiB + 0x3000)).toMatchObject({
      fault: null,
      address: 0x30_0000,
      missing: "TLBIVA of 0x403000 for ASID 0, TLBSYNC",
    });
  });

  test("by TLBIVAL leaves the way there, by TLBIVA does not", () => {
    const machine = new Machine({ omits: ["TLBIVA"] });
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
    machine.access(4 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    const { smmu } = machine.unit;
    const reached = (["TLBIVAL", "TLBIVA"] as const).map((register) => {
      smmu.invalidate(0, { register, tag: 0, address: 4 * MiB, size: 2 * MiB });
      // Waiting for TLBIVAL would not do, for TLBIVA it does.
      expect(machine.access(4 * MiB).missing).toBe(
        register === "TLBIVA" ? "TLBSYNC of context bank 0" : "TLBIVA of 0x400000 for ASID 0, TLBSYNC",
      );
      smmu.sync(0);
      return machine.access(4 * MiB).fault === null;
    });
    expect(reached).toEqual([true, false]);
  });

  test.each([48, 36])("that is missing is found for tables in between, too: %i bits", (vaBits) => {
    const machine = new Machine({ omits: ["TLBIVA"], vaBits });
    const table = machine.domain();
    const at = 0x4000_0000;
    // One table of pages, and blocks: all in one table of the level above.
    map(table, at, 8 * MiB + 0x1000, 2 * MiB);
    map(table, at + 2 * MiB, 0x5000_0000, 1022 * MiB);
    machine.access(at);
    expect(unmap(table, at, 1024 * MiB)).toBe(1024 * MiB);
    flush(table, at, 1024 * MiB);
    expect(machine.access(at + 10 * MiB)).toMatchObject({
      address: 0x5080_0000,
      missing: "TLBIVA of 0x40a00000 for ASID 0, TLBSYNC",
    });
  });

  test("that is missing is found where a block is in the first table of all", () => {
    const machine = new Machine({ omits: ["TLBIASID"], vaBits: 36 });
    const old = machine.domain();
    map(old, 0x4000_0000, 0x8000_0000, 1024 * MiB);
    machine.access(0x4000_0000);
    machine.attach("blocked");
    machine.unit.freeDomain(old);
    machine.domain();
    expect(machine.access(0x4000_0000).missing).toBe("TLBIASID of ASID 0, TLBSYNC");
  });

  test("that is missing is told with a refusal, too, when the way leads to nothing", () => {
    const machine = new Machine({ omits: ["TLBIVA"] });
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB + 0x1000, 2 * MiB);
    machine.access(4 * MiB);
    unmap(table, 4 * MiB, 2 * MiB);
    flush(table, 4 * MiB, 2 * MiB);
    map(table, 0x4000_0000, 0x30_0000, 0x1000);
    map(table, 4 * MiB + 0x7000, 0x50_0000, 0x1000);
    const { fault, missing } = machine.access(4 * MiB + 0x7000);
    expect(fault).toMatch(/^TF .* at level 3/);
    expect(missing).toBe("TLBIVA of 0x407000 for ASID 0, TLBSYNC");
  });

  test("is missing where a page may be written now and the TLB does not know", () => {
    const machine = new Machine({ omits: ["TLBIVAL"] });
    const table = machine.domain();
    map(table, 0x1000, 0x10_0000, 0x1000, IommuProt.READ);
    machine.access(0x1000);
    unmap(table, 0x1000, 0x1000);
    flush(table, 0x1000, 0x1000);
    map(table, 0x1000, 0x10_0000, 0x1000);
    const { fault, missing } = machine.access(0x1000, IommuProt.WRITE);
    expect(fault).toMatch(/^PF/);
    expect(missing).toBe("TLBIVAL of 0x1000 for ASID 0, TLBSYNC");
  });

  test("by one page drops the whole block", () => {
    const machine = new Machine();
    const table = machine.domain();
    map(table, 4 * MiB, 8 * MiB, 2 * MiB);
    expect(machine.access(4 * MiB).end).toBe(6 * MiB);
    unmap(table, 4 * MiB + 0x1000, 0x1000);
    flush(table, 4 * MiB + 0x1000, 0x1000);
    expect(machine.access(4 * MiB + 0x1000).fault).toMatch(/^TF/);
    expect(machine.access(4 * MiB)).toMatchObject({ address: 8 * MiB, end: 4 * MiB + 0x1000 });
  });

  test("by TLBSYNC of one bank does nothing for another, sTLBGSYNC does for all", () => {
    const machine = new Machine({}, { a: [1], b: [2] });
    const tables = [machine.domain(1), machine.domain(2)] as const;
    for (const table of tables) map(table, 0x1000, 0x10_0000, 0x1000);
    machine.access(0x1000, 1, 1);
    machine.access(0x1000, 1, 2);
    for (const table of tables) unmap(table, 0x1000, 0x1000);
    const { smmu } = machine.unit;
    const page = { register: "TLBIVAL", address: 0x1000, size: 0x1000 } as const;
    smmu.invalidate(0, { ...page, tag: 0 });
    smmu.invalidate(1, { ...page, tag: 1 });
    smmu.sync(0);
    expect(machine.access(0x1000, 1, 1).fault).toMatch(/^TF/);
    expect(machine.access(0x1000, 1, 2).missing).toBe("TLBSYNC of context bank 1");
    smmu.sync(-1);
    expect(machine.access(0x1000, 1, 2).fault).toMatch(/^TF/);
  });
});

test("TLBIALLNSNH and sTLBGSYNC make an SMMU forget everything, as the driver does first of all", () => {
  const machine = new Machine({}, { a: [1], b: [2] });
  for (const id of [1, 2]) {
    map(machine.domain(id), 0x1000, 0x10_0000, 0x1000);
    machine.access(0x1000, IommuProt.READ, id);
  }
  const { smmu } = machine.unit;
  expect(smmu.tlb.pages.pageCount).toBe(2);
  smmu.invalidate(-1, { register: "TLBIALLNSNH", tag: 0, address: 0, size: Number.POSITIVE_INFINITY });
  expect(smmu.tlb.pages.pageCount).toBe(2);
  expect(smmu.tlb.unsynced(1, 0x1000, true)).toBe(-1);
  smmu.sync(-1);
  expect(smmu.tlb.pages.pageCount).toBe(0);
});

test("in lazy mode nothing is written for pages until all is forgotten at once", () => {
  const machine = new Machine();
  const table = machine.domain();
  map(table, 0x1000, 0x10_0000, 0x1000);
  machine.access(0x1000);
  unmap(table, 0x1000, 0x1000);
  expect(machine.access(0x1000).missing).toBe("TLBIVAL of 0x1000 for ASID 0, TLBSYNC");
  table.flushAll();
  flush(table, 0x1000, 0x1000);
  expect(machine.log.map((line) => /register=(\S+)/.exec(line)?.[1])).toEqual([
    "TLBIASID",
    "TLBSYNC",
    "TLBSYNC",
  ]);
  expect(machine.access(0x1000).fault).toMatch(/^TF/);
});
