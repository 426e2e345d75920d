// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { CD, CD_BYTES } from "../../src/v3/cd.ts";
import type { Command } from "../../src/v3/command.ts";
import { Config, SH } from "../../src/v3/ste.ts";
import { BareMetal } from "./bare-metal.ts";
import { Guest } from "./guest.ts";

const { READ, WRITE, CACHE, MMIO, NOEXEC } = IommuProt;
const PAGE = 0x1000;
describe("with stage 2 alone", () => {
  test("intermediate addresses are what the device says", () => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage2(), PAGE, 0x8000);
    expect(smmu.translate(PAGE + 1)).toMatchObject({ fault: null, address: 0x8001, missing: null });
    expect(smmu.reach(0x2000)).toBe("F_TRANSLATION (0x10), stage 2, level 3, IPA 0x2000");
    expect(smmu.events()[0]?.record).toMatchObject({ S2: 1, CLASS: 2, InputAddr: 0x2000, IPA: 0x2000 });
    expect(smmu.reach(2 ** 39)).toContain("F_TRANSLATION (0x10), stage 2");
  });

  test("reads and writes are allowed one by one", () => {
    const smmu = new BareMetal();
    const table = smmu.stage2();
    smmu.map(table, 0x1000, 0x8000, 1, READ);
    smmu.map(table, 0x2000, 0x9000, 1, WRITE | NOEXEC);
    expect(smmu.reach(0x1000, WRITE)).toContain("F_PERMISSION (0x13), stage 2");
    expect(smmu.reach(0x2000, READ)).toContain("F_PERMISSION (0x13), stage 2");
    expect(smmu.reach(0x2000, WRITE)).toBe(0x9000);
    expect(smmu.reach(0x2000, WRITE, { instruction: true })).toContain("F_PERMISSION");
  });

  test("an output past S2PS is F_ADDR_SIZE, and tables where no memory is are F_WALK_EABT", () => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage2({ S2PS: 0 }), PAGE, 2 ** 33);
    expect(smmu.reach(PAGE)).toBe("F_ADDR_SIZE (0x11), stage 2, level 3, IPA 0x1000");
    const nowhere = new BareMetal();
    nowhere.stage2({ S2TTB: 0x40 });
    expect(nowhere.reach(PAGE)).toContain("F_WALK_EABT (0x0b), stage 2");
  });

  test("memory keeps the device's attributes, unless stage 2 takes cacheability away", () => {
    const smmu = new BareMetal();
    const table = smmu.stage2({ SHCFG: SH.INCOMING });
    smmu.map(table, 0x1000, 0x8000, 1, READ | CACHE);
    smmu.map(table, 0x2000, 0x8000, 1, READ);
    smmu.map(table, 0x3000, 0x8000, 1, READ | MMIO);
    expect([0x1000, 0x2000, 0x3000].map((at) => smmu.translate(at).snooping)).toEqual([
      "device",
      "never",
      "never",
    ]);
  });

  const rows: readonly (readonly [Command, boolean])[] = [
    [{ op: "CMD_TLBI_S2_IPA", VMID: 1, Address: PAGE }, true],
    [{ op: "CMD_TLBI_S2_IPA", VMID: 2, Address: PAGE }, false],
    [{ op: "CMD_TLBI_S2_IPA", VMID: 1, Address: 0x2000 }, false],
    [{ op: "CMD_TLBI_S12_VMALL", VMID: 1 }, true],
    [{ op: "CMD_TLBI_S12_VMALL", VMID: 2 }, false],
    [{ op: "CMD_TLBI_NSNH_ALL" }, true],
    [{ op: "CMD_TLBI_NH_ALL", VMID: 1 }, false],
  ];
  test.each(rows)("an entry goes with %o, or stays", (command, drops) => {
    const smmu = new BareMetal();
    const table = smmu.stage2();
    smmu.map(table, PAGE, 0x8000);
    smmu.reach(PAGE);
    table.unmapPages(PAGE, 4096, 1);
    expect(smmu.translate(PAGE).missing).toBe("CMD_TLBI_S2_IPA of 0x1000 for VMID 1, CMD_SYNC");
    smmu.send(command);
    expect(smmu.translate(PAGE).missing).toContain("CMD_SYNC");
    smmu.sync();
    expect(smmu.translate(PAGE).fault === null).toBe(!drops);
  });
});

describe("bypass", () => {
  test.each([
    [{ SHCFG: SH.INCOMING }, "device"],
    [{ SHCFG: SH.ISH }, "device"],
    [{ SHCFG: SH.NSH }, "never"],
    [{ SHCFG: SH.ISH, MTCFG: 1, MemAttr: 0xf }, "always"],
    [{ SHCFG: SH.OSH, MTCFG: 1, MemAttr: 0xa }, "always"],
    [{ SHCFG: SH.INCOMING, MTCFG: 1, MemAttr: 0xf }, "device"],
    [{ SHCFG: SH.ISH, MTCFG: 1, MemAttr: 0x5 }, "never"],
    [{ SHCFG: SH.ISH, MTCFG: 1, MemAttr: 0x1 }, "never"],
  ])("with %o is snooped: %s (13)", (ste, snooping) => {
    const smmu = new BareMetal();
    smmu.ste(1, { Config: Config.BYPASS, ...ste });
    expect(smmu.translate(PAGE).snooping).toBe(snooping);
  });
});

describe("with both stages", () => {
  test("the guest's tables are read through stage 2, and so is what comes out of them", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), stage 2, level 2, IPA 0x200000");
    expect(smmu.events()[0]?.record).toMatchObject({ S2: 1, CLASS: 2, InputAddr: PAGE, IPA: 0x20_0000 });
    smmu.map(smmu.second, 0x20_0000, 0x77_0000);
    expect(smmu.translate(PAGE + 3)).toMatchObject({ address: 0x77_0003, missing: null });
  });

  test("a fault while a table is read is stage 2's, of class TT", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    const leafTable = smmu.first.tables - 1;
    smmu.second.unmapPages(0x10_0000 + leafTable * 4096, 4096, 1);
    expect(smmu.reach(PAGE)).toMatch(
      /F_TRANSLATION \(0x10\), stage 2, level 3, IPA 0x1020.*, reading a table/,
    );
    expect(smmu.events()[0]?.record).toMatchObject({ S2: 1, CLASS: 1 });
  });

  test("a fault while a CD is read is stage 2's, of class CD", () => {
    const smmu = new Guest();
    smmu.second.unmapPages(0xf_0000, 4096, 1);
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), stage 2, level 3, IPA 0xf0000, reading a CD");
    expect(smmu.events()[0]?.record).toMatchObject({ S2: 1, CLASS: 0 });
  });

  test("stage 1's own faults are of stage 1, before stage 2's", () => {
    const smmu = new Guest();
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 1");
    smmu.map(smmu.first, PAGE, 0x20_0000, 1, READ);
    expect(smmu.reach(PAGE, WRITE)).toBe("F_PERMISSION (0x13), level 3");
    expect(smmu.reach(PAGE)).toContain("stage 2");
  });

  test("each stage forbids on its own, also out of the TLB", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    smmu.map(smmu.second, 0x20_0000, 0x77_0000, 1, READ);
    expect(smmu.reach(PAGE, WRITE)).toContain("F_PERMISSION (0x13), stage 2");
    expect(smmu.reach(PAGE)).toBe(0x77_0000);
    expect(smmu.reach(PAGE, WRITE)).toContain("F_PERMISSION (0x13), stage 2");
  });

  test("the attributes are the weaker of both", () => {
    const smmu = new Guest();
    [CACHE, CACHE, 0, 0].forEach((of1, i) => {
      smmu.map(smmu.first, (i + 1) * PAGE, 0x20_0000 + i * PAGE, 1, READ | of1);
      smmu.map(smmu.second, 0x20_0000 + i * PAGE, 0x77_0000, 1, READ | (i % 2 === 0 ? CACHE : 0));
    });
    expect([1, 2, 3, 4].map((i) => smmu.translate(i * PAGE).snooping)).toEqual([
      "always",
      "never",
      "never",
      "never",
    ]);
  });

  test("an entry holds as far as the smaller page of both", () => {
    const smmu = new Guest();
    smmu.first.mapPages(0, 0x4000_0000, 2 ** 21, 1, READ);
    smmu.map(smmu.second, 0x4000_0000, 0x77_0000, 2);
    smmu.map(smmu.second, 0x4000_3000, 0x99_0000);
    expect(smmu.translate(0x1800)).toMatchObject({ address: 0x77_1800, end: 0x2000 });
    expect(smmu.reach(0x3000)).toBe(0x99_0000);
    expect(smmu.reach(0x2000)).toContain("IPA 0x40002000");
  });

  test("a guest's TLBI is about its own addresses; a change of stage 2 needs the combined ones as well (M-47)", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    smmu.map(smmu.second, 0x20_0000, 0x77_0000);
    smmu.reach(PAGE);
    smmu.second.unmapPages(0x20_0000, 4096, 1);
    expect(smmu.translate(PAGE).missing).toBe(
      "CMD_TLBI_S2_IPA of 0x200000 for VMID 1, CMD_TLBI_NH_ALL for VMID 1, CMD_SYNC",
    );
    smmu.sync({ op: "CMD_TLBI_S2_IPA", VMID: 1, Address: 0x20_0000 });
    expect(smmu.translate(PAGE)).toMatchObject({
      address: 0x77_0000,
      missing: "CMD_TLBI_NH_ALL for VMID 1, CMD_SYNC",
    });
    smmu.sync({ op: "CMD_TLBI_NH_ALL", VMID: 1 });
    expect(smmu.reach(PAGE)).toContain("stage 2");
  });

  test("CMD_TLBI_S12_VMALL is about both at once", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    smmu.map(smmu.second, 0x20_0000, 0x77_0000);
    smmu.reach(PAGE);
    smmu.second.unmapPages(0x20_0000, 4096, 1);
    smmu.sync({ op: "CMD_TLBI_S12_VMALL", VMID: 1 });
    expect(smmu.reach(PAGE)).toContain("stage 2");
  });

  test("a guest's own change needs its own TLBI", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    smmu.map(smmu.second, 0x20_0000, 0x77_0000, 2);
    smmu.reach(PAGE);
    smmu.first.unmapPages(PAGE, 4096, 1);
    smmu.map(smmu.first, PAGE, 0x20_1000);
    expect(smmu.translate(PAGE).missing).toBe("CMD_TLBI_NH_VA of 0x1000 for ASID 1 and VMID 1, CMD_SYNC");
    smmu.sync({ op: "CMD_TLBI_NH_VA", VMID: 1, ASID: 1, Address: PAGE, Leaf: 1 });
    expect(smmu.reach(PAGE)).toBe(0x77_1000);
  });

  test("a CD that the guest has changed works on until CMD_CFGI_CD", () => {
    const smmu = new Guest();
    smmu.map(smmu.first, PAGE, 0x20_0000);
    smmu.map(smmu.second, 0x20_0000, 0x77_0000);
    smmu.reach(PAGE);
    smmu.put(smmu.cd, CD.encode({}));
    expect(smmu.translate(PAGE).missing).toBe("CMD_CFGI_CD of StreamID 0x1, SubstreamID 0, CMD_SYNC");
    expect(CD_BYTES).toBe(64);
  });
});
