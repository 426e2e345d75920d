// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { Machine, map, RW } from "./machine.ts";

const { READ, WRITE, PRIV } = IommuProt;

// Logs of machines with an MMU-500 say fsr=0x402 (Format=2 TF) and fsynr=0x..0013, 0x..0021, 0x..0001: PLVL in 1:0, WNR 4, PNU 5.
describe("a context bank refuses with FSR, FSYNR0, FAR and CBFRSYNRA", () => {
  test("TF where nothing is mapped: the level in PLVL", () => {
    const machine = new Machine();
    map(machine.domain(), 0x4000_0000, 0x10_0000, 0x1000);
    const levels = [0x4000_1000, 0x4020_0000, 0x8000_0000, 0x80_0000_0000].map(
      (at) => machine.access(at).fault,
    );
    expect(levels).toEqual([
      "TF (translation fault) at level 3 in context bank 0: FSR 0x402, FSYNR0 0x3",
      "TF (translation fault) at level 2 in context bank 0: FSR 0x402, FSYNR0 0x2",
      "TF (translation fault) at level 1 in context bank 0: FSR 0x402, FSYNR0 0x1",
      "TF (translation fault) at level 0 in context bank 0: FSR 0x402, FSYNR0 0x0",
    ]);
    expect(machine.log[0]).toBe(
      "context_fault: smmu=smmu0 fsr=0x402 iova=0x40001000 fsynr=0x3 cbfrsynra=0x1 cb=0",
    );
  });

  test("TF past the addresses that T0SZ leaves", () => {
    const machine = new Machine({ vaBits: 32 });
    machine.domain();
    expect(machine.access(2 ** 32).fault).toMatch(/^TF .* at level 0 .*FSR 0x402/);
  });

  test("WNR for a write, PNU for a privileged access", () => {
    const machine = new Machine({}, { dma: [0x874] });
    machine.domain(0x874);
    expect(machine.access(0x1000, WRITE, 0x874).fault).toMatch(/FSYNR0 0x10$/);
    expect(machine.access(0x1000, READ | PRIV, 0x874).fault).toMatch(/FSYNR0 0x20$/);
    expect(machine.log[0]).toMatch("cbfrsynra=0x874");
  });

  test("PF for a write that is not allowed, from the tables and from the TLB", () => {
    const machine = new Machine();
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000, READ);
    const text = "PF (permission fault) at level 3 in context bank 0: FSR 0x408, FSYNR0 0x13";
    expect(machine.access(0x1000, WRITE).fault).toBe(text);
    expect(machine.access(0x1000, READ).fault).toBe(null);
    expect(machine.access(0x1000, WRITE).fault).toBe(text);
  });

  test("PF for an unprivileged access to a page that is privileged, and at level 2 in a block", () => {
    const machine = new Machine();
    map(machine.domain(), 0x20_0000, 0x40_0000, 0x20_0000, RW | PRIV);
    expect(machine.access(0x20_0000).fault).toBe(
      "PF (permission fault) at level 2 in context bank 0: FSR 0x408, FSYNR0 0x2",
    );
    expect(machine.access(0x20_0000, READ | PRIV).address).toBe(0x40_0000);
  });

  test("PF for a read of a page that stage 2 only lets be written", () => {
    const machine = new Machine({ stage: 2 });
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000, WRITE);
    expect(machine.access(0x1000, READ).fault).toMatch(/^PF .*FSR 0x408, FSYNR0 0x3$/);
  });

  test("EF where the bus does not let it read a table, and PTWF says it was a walk", () => {
    const machine = new Machine({ forbidden: [{ start: 0, size: 2 ** 40 }] });
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000);
    expect(machine.access(0x1000).fault).toBe(
      "EF (external abort on a table walk) at level 0 in context bank 0: FSR 0x410, FSYNR0 0x400",
    );
  });

  test("EF at the level of the table that it may not read", () => {
    const first = new Machine();
    map(first.domain(), 0x1000, 0x10_0000, 0x1000);
    const [low] = first.unit.smmu.banks[0]?.tables?.table.descriptor(0x1000, 2) ?? [0];
    const machine = new Machine({ forbidden: [{ start: low - (low % 0x1000), size: 0x1000 }] });
    map(machine.domain(), 0x1000, 0x10_0000, 0x1000);
    expect(machine.access(0x1000).fault).toMatch(/^EF .* at level 3 .*FSYNR0 0x403$/);
    expect(machine.access(0x8000_0000).fault).toMatch(/^TF/);
  });

  test("AFF without the Access flag, ASF with an address that is too wide", () => {
    for (const [low, high, expected] of [
      [0x0010_0a43, 0, "AFF (access flag fault) at level 3 in context bank 0: FSR 0x404, FSYNR0 0x3"],
      [0x0010_0e43, 0x10, "ASF (address size fault) at level 3 in context bank 0: FSR 0x480, FSYNR0 0x3"],
    ] as const) {
      const machine = new Machine({ ipaBits: 36 });
      map(machine.domain(), 0x1000, 0x10_0000, 0x1000);
      // Somebody else's descriptor: the driver writes neither.
      const tables = machine.unit.smmu.banks[0]?.tables;
      const format = tables?.format as unknown as { [key: string]: unknown };
      format["addressOf"] = () => high * 2 ** 32 + (low & 0xffff_f000);
      const attributes = format["attributesOf"] as (low: number, high: number) => object;
      format["attributesOf"] = () => attributes(low, high);
      expect(machine.access(0x1000).fault).toBe(expected);
    }
  });

  test("MULTI when nobody cleared the first, which stays", () => {
    const machine = new Machine();
    machine.domain();
    machine.unit.smmu.onContextFault = () => {};
    machine.access(0x1000);
    expect(machine.access(0x2000, WRITE).fault).toMatch(/FSR 0x80000402, FSYNR0 0x0/);
    const bank = machine.unit.smmu.banks[0];
    expect([bank?.far, bank?.fsr]).toEqual([0x1000, 0x8000_0402]);
    bank?.clear(0x8000_0002);
    expect(bank?.fsr).toBe(0);
  });
});

describe("before a context bank there are global faults", () => {
  test("USF for a stream that no register matches, unless it may pass (USFCFG)", () => {
    const machine = new Machine();
    expect(machine.unit.smmu.scr0).toBe(0x1c36);
    expect(machine.access(0x1000, WRITE, 0x77).fault).toBe(
      "USF (unidentified stream fault) of stream 0x77: sGFSR 0x2",
    );
    expect(machine.log).toEqual(["global_fault: smmu=smmu0 gfsr=0x2 gfar=0x1000 gfsynr0=0x2 gfsynr1=0x77"]);
    const open = new Machine({ unidentified: "bypass" });
    expect(open.unit.smmu.scr0).toBe(0x1836);
    expect(open.access(0x1000, READ, 0x77)).toMatchObject({ fault: null, address: 0x1000 });
  });

  test("ICF for a stream that is led nowhere", () => {
    const machine = new Machine();
    machine.attach("blocked");
    expect(machine.access(0x1000).fault).toBe("ICF (invalid context fault) of stream 0x1: sGFSR 0x1");
  });

  test("SMCF for one that two registers match", () => {
    const machine = new Machine();
    const { streams } = machine.unit.smmu;
    streams.smrs[7] = { id: 0, mask: 0xf };
    expect(machine.access(0x1000).fault).toBe("SMCF (stream match conflict fault) of stream 0x1: sGFSR 0x4");
  });

  test("MULTI when nobody cleared the first", () => {
    const machine = new Machine();
    machine.unit.smmu.onGlobalFault = () => {};
    machine.access(0, READ, 0x70);
    expect(machine.access(0, READ, 0x71).fault).toMatch(/sGFSR 0x80000002$/);
    expect(machine.unit.smmu.gfsynr1).toBe(0x70);
  });

  test("none before the driver has switched it on: CLIENTPD", () => {
    const { smmu } = new Machine().unit;
    smmu.scr0 = 1;
    expect(smmu.translate(0x77, 0x1234, READ)).toMatchObject({ fault: null, address: 0x1234 });
  });
});
