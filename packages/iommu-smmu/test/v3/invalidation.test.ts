// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { CD, CD_BYTES, L1CD } from "../../src/v3/cd.ts";
import type { Command } from "../../src/v3/command.ts";
import { Config, L1STD, S1DSS, S1Fmt, STE, STE_BYTES, STRW } from "../../src/v3/ste.ts";
import { BareMetal } from "./bare-metal.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 0x1000;

/** Stream 1 has used a page of stage 1 that is not mapped any more. */
function used(cd = {}, ste = {}): BareMetal {
  const smmu = new BareMetal();
  const table = smmu.stage1(cd, ste);
  smmu.map(table, PAGE, 0x8000);
  expect(smmu.translate(PAGE)).toMatchObject({ fault: null, address: 0x8000, missing: null });
  table.unmapPages(PAGE, 4096, 1);
  return smmu;
}

describe("a TLBI", () => {
  test("is missing by its name, with what it is about", () => {
    expect(used().translate(PAGE + 5)).toMatchObject({
      address: 0x8005,
      missing: "CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC",
    });
    expect(used({}, { S2VMID: 3 }).translate(PAGE).missing).toBe(
      "CMD_TLBI_NH_VA of 0x1000 for ASID 1 and VMID 3, CMD_SYNC",
    );
    expect(used({}, { STRW: STRW.EL2 }).translate(PAGE).missing).toBe(
      "CMD_TLBI_EL2_VA of 0x1000 for ASID 1, CMD_SYNC",
    );
  });

  test("has no effect until a CMD_SYNC behind it is consumed (M-47)", () => {
    const smmu = used();
    smmu.send({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE, Leaf: 1 });
    expect(smmu.translate(PAGE)).toMatchObject({ address: 0x8000, missing: "CMD_SYNC" });
    smmu.sync();
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 3");
  });

  test("is not helped by a CMD_SYNC before it", () => {
    const smmu = used();
    smmu.send({ op: "CMD_SYNC" }, { op: "CMD_TLBI_NH_ALL" });
    expect(smmu.translate(PAGE).missing).toBe("CMD_SYNC");
  });

  const gone = "F_TRANSLATION (0x10), level 3";
  const stage1Rows: readonly (readonly [string, Command, boolean])[] = [
    ["its address and ASID", { op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE }, true],
    ["another address", { op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x2000 }, false],
    ["another ASID", { op: "CMD_TLBI_NH_VA", ASID: 2, Address: PAGE }, false],
    ["another VMID", { op: "CMD_TLBI_NH_VA", ASID: 1, VMID: 1, Address: PAGE }, false],
    ["its address, whatever the ASID", { op: "CMD_TLBI_NH_VAA", Address: PAGE }, true],
    ["its ASID", { op: "CMD_TLBI_NH_ASID", ASID: 1 }, true],
    ["another ASID as a whole", { op: "CMD_TLBI_NH_ASID", ASID: 2 }, false],
    ["its VMID", { op: "CMD_TLBI_NH_ALL" }, true],
    ["another VMID as a whole", { op: "CMD_TLBI_NH_ALL", VMID: 1 }, false],
    ["both stages of its VMID", { op: "CMD_TLBI_S12_VMALL" }, true],
    ["everything of EL1", { op: "CMD_TLBI_NSNH_ALL" }, true],
    ["everything of EL2", { op: "CMD_TLBI_EL2_ALL" }, false],
    ["intermediate addresses", { op: "CMD_TLBI_S2_IPA", Address: PAGE }, false],
  ];
  test.each(stage1Rows)("of %s drops a translation of ASID 1 or not: %o", (_what, command, drops) => {
    const smmu = used();
    smmu.sync(command);
    expect(smmu.reach(PAGE)).toBe(drops ? gone : 0x8000);
  });

  const el2Rows: readonly (readonly [Command, boolean])[] = [
    [{ op: "CMD_TLBI_EL2_ALL" }, true],
    [{ op: "CMD_TLBI_EL2_ASID", ASID: 1 }, true],
    [{ op: "CMD_TLBI_EL2_VA", ASID: 1, Address: PAGE }, true],
    [{ op: "CMD_TLBI_EL2_VAA", Address: PAGE }, true],
    [{ op: "CMD_TLBI_EL2_VA", ASID: 2, Address: PAGE }, false],
    [{ op: "CMD_TLBI_NH_ALL" }, false],
    [{ op: "CMD_TLBI_NSNH_ALL" }, false],
  ];
  test.each(el2Rows)("of EL2 drops a translation of EL2, and one of EL1 does not: %o", (command, drops) => {
    const smmu = used({}, { STRW: STRW.EL2 });
    smmu.sync(command);
    expect(smmu.reach(PAGE)).toBe(drops ? gone : 0x8000);
  });

  test("with Leaf 1 leaves the way to a table that was freed, and one with Leaf 0 does not", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.map(table, PAGE, 0x8000);
    smmu.map(table, 0x2000, 0x9000);
    smmu.reach(PAGE);
    table.unmapPages(0, 2 ** 21, 1);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE, Leaf: 1 });
    expect(smmu.translate(0x2000)).toMatchObject({
      address: 0x9000,
      missing: "CMD_TLBI_NH_VA of 0x2000 for ASID 1 with Leaf 0, CMD_SYNC",
    });
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x2000, Leaf: 1 });
    expect(smmu.reach(0x2000)).toBe(0x9000);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x2000, Leaf: 0 });
    expect(smmu.reach(0x2000)).toBe("F_TRANSLATION (0x10), level 2");
  });

  test("with Leaf 1 is named as what did not suffice when a page is not found through a table that was freed", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.map(table, PAGE, 0x8000);
    smmu.reach(PAGE);
    table.unmapPages(PAGE, 4096, 1);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE, Leaf: 1 });
    table.mapPages(0, 0x20_0000, 2 ** 21, 1, READ);
    const answer = smmu.translate(PAGE);
    expect(answer.fault).toBe("F_TRANSLATION (0x10), level 3");
    expect(answer.missing).toBe("CMD_TLBI_NH_VA of 0x1000 for ASID 1 with Leaf 0, CMD_SYNC");
    smmu.send({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE, Leaf: 1 });
    expect(smmu.translate(PAGE).missing).toContain("with Leaf 0");
    smmu.send({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE, Leaf: 0 });
    expect(smmu.translate(PAGE).missing).toBe("CMD_SYNC");
  });

  test("is needed to make a page writable as well", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.map(table, PAGE, 0x8000, 1, READ);
    smmu.reach(PAGE);
    table.unmapPages(PAGE, 4096, 1);
    smmu.map(table, PAGE, 0x8000, 1, READ | WRITE);
    expect(smmu.translate(PAGE, WRITE)).toMatchObject({
      fault: "F_PERMISSION (0x13), level 3",
      missing: "CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC",
    });
  });

  test("is not needed to map what was not mapped: faults are not remembered", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.reach(PAGE);
    smmu.map(table, PAGE, 0x8000);
    expect(smmu.translate(PAGE)).toMatchObject({ address: 0x8000, missing: null });
  });

  test("drops a block as a whole, whichever address in it is named", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    table.mapPages(0, 0x4000_0000, 2 ** 21, 1, READ);
    smmu.reach(0);
    table.unmapPages(0, 2 ** 21, 1);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x1f_f000 });
    expect(smmu.reach(0)).toBe("F_TRANSLATION (0x10), level 2");
  });

  test("of an ASID leaves what is global, and one of the address drops that", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    const write = table.format.writeLeaves.bind(table.format);
    table.format.writeLeaves = (words, at, ...rest) => {
      write(words, at, ...rest);
      words[at] = (words[at] as number) & ~(1 << 11);
    };
    smmu.map(table, PAGE, 0x8000);
    smmu.reach(PAGE);
    table.unmapPages(PAGE, 4096, 1);
    smmu.sync({ op: "CMD_TLBI_NH_ASID", ASID: 1 });
    expect(smmu.translate(PAGE)).toMatchObject({
      address: 0x8000,
      missing: "CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC",
    });
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 7, Address: PAGE });
    expect(smmu.reach(PAGE)).toBe(gone);
  });

  test("of a range drops (NUM + 1) x 2^SCALE granules (4.4), and with TTL only what is of that level", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.map(table, 0, 0x10_0000, 20);
    table.mapPages(2 ** 21, 0x4000_0000, 2 ** 21, 1, READ);
    for (let page = 0; page < 20; page++) smmu.reach(page * PAGE);
    smmu.reach(2 ** 21);
    table.unmapPages(0, PAGE, 20);
    table.unmapPages(2 ** 21, 2 ** 21, 1);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x4000, TG: 1, SCALE: 1, NUM: 4, Leaf: 1 });
    const left = Array.from({ length: 20 }, (_, page) => page).filter(
      (page) => smmu.translate(page * PAGE).fault === null,
    );
    expect(left).toEqual([0, 1, 2, 3, 14, 15, 16, 17, 18, 19]);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0, TG: 1, SCALE: 9, NUM: 1, TTL: 3, Leaf: 1 });
    expect(smmu.reach(0)).toBe("F_TRANSLATION (0x10), level 3");
    expect(smmu.reach(2 ** 21)).toBe(0x4000_0000);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0, TG: 1, SCALE: 9, NUM: 1, TTL: 2, Leaf: 1 });
    expect(smmu.reach(2 ** 21)).toBe("F_TRANSLATION (0x10), level 2");
  });
});

describe("the configuration is remembered until a CMD_CFGI and CMD_SYNC, and", () => {
  test("an old STE works on", () => {
    const smmu = new BareMetal();
    smmu.ste(1, { Config: Config.BYPASS });
    smmu.reach(PAGE);
    smmu.ste(1, { Config: Config.ABORT });
    expect(smmu.translate(PAGE)).toMatchObject({
      address: PAGE,
      missing: "CMD_CFGI_STE of StreamID 0x1, CMD_SYNC",
    });
    smmu.send({ op: "CMD_CFGI_STE", StreamID: 2 }, { op: "CMD_CFGI_STE_RANGE", StreamID: 4, Range: 1 });
    expect(smmu.translate(PAGE).missing).toBe("CMD_CFGI_STE of StreamID 0x1, CMD_SYNC");
    smmu.send({ op: "CMD_CFGI_STE_RANGE", StreamID: 0, Range: 1 });
    expect(smmu.translate(PAGE).missing).toBe("CMD_SYNC");
    smmu.sync();
    expect(smmu.translate(PAGE)).toMatchObject({ fault: "STE.Config is abort", missing: null });
  });

  test("so is one that was invalid", () => {
    const smmu = new BareMetal();
    smmu.reach(PAGE);
    smmu.ste(1, { Config: Config.BYPASS });
    expect(smmu.translate(PAGE)).toMatchObject({
      fault: "C_BAD_STE (0x04)",
      missing: "CMD_CFGI_STE of StreamID 0x1, CMD_SYNC",
    });
  });

  test("an old CD works on, until its own invalidation or that of its STE", () => {
    const commands: readonly (readonly [Command, boolean])[] = [
      [{ op: "CMD_CFGI_CD", StreamID: 1, SubstreamID: 0, Leaf: 1 }, true],
      [{ op: "CMD_CFGI_CD", StreamID: 1, SubstreamID: 1, Leaf: 1 }, false],
      [{ op: "CMD_CFGI_CD", StreamID: 2, SubstreamID: 0, Leaf: 1 }, false],
      [{ op: "CMD_CFGI_CD_ALL", StreamID: 1 }, true],
      [{ op: "CMD_CFGI_STE", StreamID: 1, Leaf: 1 }, true],
      [{ op: "CMD_CFGI_STE", StreamID: 3, Leaf: 1 }, false],
      [{ op: "CMD_CFGI_STE_RANGE", StreamID: 0, Range: 0 }, true],
      [{ op: "CMD_CFGI_STE_RANGE", StreamID: 2, Range: 0 }, false],
      [{ op: "CMD_CFGI_STE_RANGE", Range: 31 }, true],
    ];
    for (const [command, forgets] of commands) {
      const smmu = new BareMetal();
      const table = smmu.table(1);
      const cds = smmu.cds(smmu.cdOf(table));
      smmu.ste(1, { Config: Config.S1_TRANS, S1ContextPtr: cds });
      smmu.map(table, PAGE, 0x8000);
      smmu.reach(PAGE);
      smmu.put(cds, new Uint32Array(16));
      expect(smmu.translate(PAGE)).toMatchObject({
        address: 0x8000,
        missing: "CMD_CFGI_CD of StreamID 0x1, SubstreamID 0, CMD_SYNC",
      });
      smmu.sync(command);
      expect(smmu.reach(PAGE)).toBe(forgets ? "C_BAD_CD (0x0a)" : 0x8000);
    }
  });

  test("each substream has a CD of its own", () => {
    const smmu = new BareMetal();
    const tables = [smmu.table(1), smmu.table(1)] as const;
    tables.forEach((table, i) => {
      smmu.map(table, PAGE, 0x8000 * (i + 1));
    });
    const cds = smmu.cds({}, smmu.cdOf(tables[0], { ASID: 1 }), smmu.cdOf(tables[1], { ASID: 2 }));
    smmu.ste(1, { Config: Config.S1_TRANS, S1ContextPtr: cds, S1CDMax: 2, S1DSS: S1DSS.TERMINATE });
    expect([1, 2].map((substream) => smmu.reach(PAGE, READ, { substream }))).toEqual([0x8000, 0x1_0000]);
    smmu.put(cds + 2 * CD_BYTES, CD.encode({}));
    expect(smmu.translate(PAGE, READ, { substream: 2 }).missing).toContain("SubstreamID 2");
    expect(smmu.translate(PAGE, READ, { substream: 1 }).missing).toBeNull();
  });

  test("so is a level 1 context descriptor, also an invalid one, until CMD_CFGI_CD with Leaf 0", () => {
    const smmu = new BareMetal();
    const table = smmu.table(1);
    smmu.map(table, PAGE, 0x8000);
    const [l1, leaf] = [smmu.memory.allocate(64 * 8), smmu.memory.allocate(64 * 1024)];
    smmu.ste(1, { Config: Config.S1_TRANS, S1CDMax: 12, S1Fmt: S1Fmt.L2_64K, S1ContextPtr: l1 });
    const access = () => smmu.translate(PAGE, READ, { substream: 3 });
    expect(access()).toMatchObject({ fault: "C_BAD_SUBSTREAMID (0x08)", missing: null });
    smmu.put(leaf + 3 * CD_BYTES, CD.encode(smmu.cdOf(table)));
    smmu.put(l1, L1CD.encode({ V: 1, L2Ptr: leaf }));
    expect(access().missing).toBe("CMD_CFGI_CD of StreamID 0x1, SubstreamID 3 with Leaf 0, CMD_SYNC");
    smmu.sync({ op: "CMD_CFGI_CD", StreamID: 1, SubstreamID: 3, Leaf: 1 });
    expect(access().fault).toBe("C_BAD_SUBSTREAMID (0x08)");
    smmu.sync({ op: "CMD_CFGI_CD", StreamID: 1, SubstreamID: 3, Leaf: 0 });
    expect(access()).toMatchObject({ address: 0x8000, missing: null });
  });

  test("a level 1 descriptor that is valid stays with Leaf 1 and goes with Leaf 0", () => {
    const smmu = new BareMetal();
    const l1 = smmu.memory.allocate(64);
    const tables = [smmu.memory.allocate(256 * STE_BYTES), smmu.memory.allocate(256 * STE_BYTES)] as const;
    smmu.put(l1, L1STD.encode({ Span: 9, L2Ptr: tables[0] }));
    smmu.put(tables[0] + STE_BYTES, STE.encode({ V: 1, Config: Config.BYPASS }));
    smmu.hardware.streamTable = { address: l1, log2Size: 10, split: 8 };
    smmu.reach(PAGE);
    smmu.put(l1, L1STD.encode({ Span: 9, L2Ptr: tables[1] }));
    smmu.put(tables[1] + STE_BYTES, STE.encode({ V: 1 }));
    smmu.sync({ op: "CMD_CFGI_STE", StreamID: 1, Leaf: 1 });
    expect(smmu.translate(PAGE)).toMatchObject({ address: PAGE });
    expect(smmu.translate(PAGE).missing).toContain("CMD_CFGI_STE");
    smmu.sync({ op: "CMD_CFGI_STE", StreamID: 1, Leaf: 0 });
    expect(smmu.reach(PAGE)).toBe("STE.Config is abort");
  });
});

test("the same ASID for other tables finds what is left of the old ones", () => {
  const smmu = new BareMetal();
  const tables = [smmu.table(1), smmu.table(1)] as const;
  smmu.map(tables[0], PAGE, 0x8000);
  smmu.map(tables[1], PAGE, 0x9000);
  const cds = smmu.cds(smmu.cdOf(tables[0]));
  smmu.ste(1, { Config: Config.S1_TRANS, S1ContextPtr: cds });
  smmu.reach(PAGE);
  smmu.put(cds, CD.encode(smmu.cdOf(tables[1])));
  smmu.sync({ op: "CMD_CFGI_CD", StreamID: 1, Leaf: 1 });
  expect(smmu.translate(PAGE)).toMatchObject({
    address: 0x8000,
    missing: "CMD_TLBI_NH_VA of 0x1000 for ASID 1 with Leaf 0, CMD_SYNC",
  });
  smmu.sync({ op: "CMD_TLBI_NH_ASID", ASID: 1 });
  expect(smmu.translate(PAGE)).toMatchObject({ address: 0x9000, missing: null });
});
