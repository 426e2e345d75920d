// SPDX-License-Identifier: MIT
// The fault decision of G.8, one test a row, in its order: what comes later is wrong as well where that is possible.
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { CD, CD_BYTES, L1CD } from "../../src/v3/cd.ts";
import { fetchAddrOf } from "../../src/v3/event.ts";
import { Config, EATS, L1STD, S1DSS, S1Fmt, SH, STE_BYTES, STRW } from "../../src/v3/ste.ts";
import { BareMetal } from "./bare-metal.ts";

const { READ, WRITE, CACHE, PRIV, NOEXEC, MMIO } = IommuProt;
const PAGE = 0x1000;

/** What a row says: the answer, and what is recorded. */
function expectRow(smmu: BareMetal, reached: number | string, events: readonly string[], more = {}): void {
  expect(smmu.reach(PAGE, READ, more)).toBe(reached);
  expect(smmu.names()).toEqual(events);
}

describe("the configuration is checked in this order:", () => {
  test("a StreamID beyond the table is C_BAD_STREAMID", () =>
    expectRow(new BareMetal(), "C_BAD_STREAMID (0x02)", ["C_BAD_STREAMID"], { streamId: 16 }));

  test("a level 1 descriptor with Span 0, or with too small a Span, is C_BAD_STREAMID", () => {
    const smmu = new BareMetal();
    const l1 = smmu.memory.allocate(64);
    smmu.hardware.streamTable = { address: l1, log2Size: 10, split: 8 };
    expectRow(smmu, "C_BAD_STREAMID (0x02)", ["C_BAD_STREAMID"]);
    smmu.put(l1, L1STD.encode({ Span: 3, L2Ptr: smmu.memory.allocate(4 * STE_BYTES) }));
    expectRow(smmu, "C_BAD_STREAMID (0x02)", ["C_BAD_STREAMID"], { streamId: 4 });
    expectRow(smmu, "C_BAD_STE (0x04)", ["C_BAD_STE"], { streamId: 3 });
  });

  test("a stream table where no memory is is F_STE_FETCH", () => {
    const smmu = new BareMetal();
    smmu.hardware.streamTable = { address: 0x40, log2Size: 4, split: null };
    expectRow(smmu, "F_STE_FETCH (0x03)", ["F_STE_FETCH"]);
  });

  test("a level 1 descriptor where no memory is, or that points where none is, is F_STE_FETCH", () => {
    const smmu = new BareMetal();
    smmu.hardware.streamTable = { address: 0x40, log2Size: 10, split: 8 };
    expectRow(smmu, "F_STE_FETCH (0x03)", ["F_STE_FETCH"]);
    const l1 = smmu.memory.allocate(64);
    smmu.put(l1, L1STD.encode({ Span: 9, L2Ptr: 0x40 }));
    smmu.hardware.streamTable = { address: l1, log2Size: 10, split: 8 };
    smmu.reach(PAGE);
    expect(smmu.hardware.events.length).toBe(1);
    expect(fetchAddrOf(smmu.hardware.events.consume() ?? new Uint32Array(8))).toBe(0x40 + STE_BYTES);
  });

  test("an STE with V = 0 is C_BAD_STE, whatever else it says", () => {
    const smmu = new BareMetal();
    smmu.ste(1, { V: 0, Config: Config.BYPASS });
    expectRow(smmu, "C_BAD_STE (0x04)", ["C_BAD_STE"]);
  });

  test.each([
    ["stage 1 that the SMMU has not", { stage1: false }, { Config: Config.S1_TRANS }],
    ["stage 2 that the SMMU has not", { stage2: false }, { Config: Config.S2_TRANS, S2AA64: 1, S2T0SZ: 25 }],
    ["AArch32 tables in stage 2", {}, { Config: Config.S2_TRANS, S2T0SZ: 25 }],
    ["more substreams than the SMMU has", { substreamBits: 2 }, { Config: Config.S1_TRANS, S1CDMax: 3 }],
    ["the reserved S1DSS", {}, { Config: Config.S1_TRANS, S1CDMax: 3, S1DSS: 3 }],
    ["the reserved S1Fmt", {}, { Config: Config.S1_TRANS, S1CDMax: 3, S1Fmt: 3 }],
    ["S1STALLD without a stall model", { stall: false }, { Config: Config.S1_TRANS, S1STALLD: 1 }],
    ["the reserved EATS", {}, { Config: Config.BYPASS, EATS: 3 }],
    ["split-stage ATS with one stage", {}, { Config: Config.S1_TRANS, EATS: EATS.S1CHK }],
  ])("an STE that asks for %s is C_BAD_STE", (_what, features, ste) => {
    const smmu = new BareMetal(features);
    smmu.ste(1, ste);
    expectRow(smmu, "C_BAD_STE (0x04)", ["C_BAD_STE"]);
  });

  test.each([0, 1, 2, 3])("Config %d refuses, and records nothing", (config) => {
    const smmu = new BareMetal();
    smmu.ste(1, { Config: config, S1CDMax: 31 });
    expectRow(smmu, "STE.Config is abort", []);
  });

  test("Config bypass lets everything through as it is", () => {
    const smmu = new BareMetal();
    smmu.ste(1, { Config: Config.BYPASS, SHCFG: SH.INCOMING });
    expectRow(smmu, PAGE, []);
  });

  test("a substream without stage 1, or past S1CDMax, or with S1CDMax 0, is C_BAD_SUBSTREAMID", () => {
    const bad = ["C_BAD_SUBSTREAMID (0x08)", ["C_BAD_SUBSTREAMID"]] as const;
    const second = new BareMetal();
    second.stage2();
    expectRow(second, ...bad, { substream: 1 });
    const none = new BareMetal();
    none.stage1();
    expectRow(none, ...bad, { substream: 0 });
    const few = new BareMetal();
    few.stage1({}, { S1CDMax: 2, S1DSS: S1DSS.TERMINATE });
    expectRow(few, ...bad, { substream: 4 });
  });

  test("a substream behind an invalid level 1 descriptor is C_BAD_SUBSTREAMID", () => {
    const smmu = new BareMetal();
    smmu.ste(1, {
      ...{ Config: Config.S1_TRANS, S1CDMax: 12, S1Fmt: S1Fmt.L2_64K, S1DSS: S1DSS.SSID0 },
      S1ContextPtr: smmu.memory.allocate(64),
    });
    expectRow(smmu, "C_BAD_SUBSTREAMID (0x08)", ["C_BAD_SUBSTREAMID"], { substream: 1025 });
  });

  test("S1DSS decides about what has no substream: terminate, bypass, or the CD of substream 0", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1({}, { S1CDMax: 2, S1DSS: S1DSS.TERMINATE });
    smmu.map(table, PAGE, 0x8000);
    expectRow(smmu, "F_STREAM_DISABLED (0x06)", ["F_STREAM_DISABLED"]);
    const bypass = new BareMetal();
    bypass.stage1({}, { S1CDMax: 2, S1DSS: S1DSS.BYPASS });
    expectRow(bypass, PAGE, []);
    const first = new BareMetal();
    first.map(first.stage1({}, { S1CDMax: 2, S1DSS: S1DSS.SSID0 }), PAGE, 0x8000);
    expectRow(first, 0x8000, []);
    expectRow(first, "C_BAD_SUBSTREAMID (0x08)", ["C_BAD_SUBSTREAMID"], { substream: 0 });
  });

  test("context descriptors where no memory is are F_CD_FETCH", () => {
    const smmu = new BareMetal();
    smmu.stage1({}, { S1ContextPtr: 0x40 });
    expectRow(smmu, "F_CD_FETCH (0x09)", ["F_CD_FETCH"]);
  });

  test("a level 1 context descriptor where no memory is is F_CD_FETCH", () => {
    const smmu = new BareMetal();
    smmu.stage1({}, { S1CDMax: 12, S1Fmt: S1Fmt.L2_4K, S1DSS: S1DSS.SSID0, S1ContextPtr: 0x40 });
    expectRow(smmu, "F_CD_FETCH (0x09)", ["F_CD_FETCH"]);
  });

  test("tables of CDs of 4 KiB and of 64 KiB are found by the upper bits of the substream (3.3.2)", () => {
    for (const [S1Fmt_, bits] of [
      [S1Fmt.L2_4K, 6],
      [S1Fmt.L2_64K, 10],
    ] as const) {
      const smmu = new BareMetal();
      const table = smmu.table(1);
      smmu.map(table, PAGE, 0x8000);
      const l1 = smmu.memory.allocate(64 * 8);
      const leaf = smmu.memory.allocate(CD_BYTES * 2 ** bits);
      smmu.put(l1 + 2 * 8, L1CD.encode({ V: 1, L2Ptr: leaf }));
      smmu.put(leaf + 5 * CD_BYTES, CD.encode(smmu.cdOf(table)));
      smmu.ste(1, { Config: Config.S1_TRANS, S1CDMax: 12, S1Fmt: S1Fmt_, S1ContextPtr: l1 });
      expect(smmu.reach(PAGE, READ, { substream: 2 * 2 ** bits + 5 })).toBe(0x8000);
      expect(smmu.reach(PAGE, READ, { substream: 2 * 2 ** bits + 6 })).toBe("C_BAD_CD (0x0a)");
      expect(smmu.reach(PAGE, READ, { substream: 2 ** bits + 5 })).toBe("C_BAD_SUBSTREAMID (0x08)");
    }
  });

  test.each([
    ["V = 0", { V: 0 }],
    ["AArch32 tables", { AA64: 0 }],
    ["a T0SZ that no granule has", { T0SZ: 40 }],
    ["the reserved granule", { TG0: 3 }],
    ["tables past IPS", { IPS: 0, TTB0: 2 ** 33 }],
  ])("a CD with %s is C_BAD_CD", (_what, cd) => {
    const smmu = new BareMetal();
    smmu.stage1(cd);
    expectRow(smmu, "C_BAD_CD (0x0a)", ["C_BAD_CD"]);
  });
});

describe("the translation is checked in this order:", () => {
  test("an address past T0SZ is F_TRANSLATION, and so is one of a half that is switched off", () => {
    const smmu = new BareMetal();
    smmu.stage1();
    expect(smmu.reach(2 ** 39)).toBe("F_TRANSLATION (0x10), level 1");
    const narrow = new BareMetal();
    narrow.map(narrow.stage1({ T0SZ: 32 }), PAGE, 0x8000);
    expect(narrow.reach(PAGE)).toBe(0x8000);
    expect(narrow.reach(2 ** 32)).toBe("F_TRANSLATION (0x10), level 1");
    const off = new BareMetal();
    off.map(off.stage1({ EPD0: 1 }), PAGE, 0x8000);
    expectRow(off, "F_TRANSLATION (0x10)", ["F_TRANSLATION"]);
  });

  test("page tables where no memory is are F_WALK_EABT", () => {
    const smmu = new BareMetal();
    smmu.stage1({ TTB0: 0x1_0000 });
    expectRow(smmu, "F_WALK_EABT (0x0b), reading a table", ["F_WALK_EABT"]);
  });

  test("an invalid descriptor is F_TRANSLATION of its level", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    expectRow(smmu, "F_TRANSLATION (0x10), level 1", ["F_TRANSLATION"]);
    smmu.map(table, 0x20_0000, 0x8000);
    expectRow(smmu, "F_TRANSLATION (0x10), level 2", ["F_TRANSLATION"]);
    smmu.map(table, PAGE + 0x1000, 0x8000);
    expectRow(smmu, "F_TRANSLATION (0x10), level 3", ["F_TRANSLATION"]);
  });

  test("an output address past IPS is F_ADDR_SIZE, before permissions", () => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage1({ IPS: 0 }), PAGE, 2 ** 33, 1, READ);
    expect(smmu.reach(PAGE, WRITE)).toBe("F_ADDR_SIZE (0x11), level 3");
  });

  /** Tables whose only page, at 0x1000, has other low bits. */
  const withLow = (change: (low: number) => number, cd = {}): BareMetal => {
    const smmu = new BareMetal();
    const table = smmu.stage1(cd);
    const write = table.format.writeLeaves.bind(table.format);
    table.format.writeLeaves = (words, at, ...rest) => {
      write(words, at, ...rest);
      words[at] = change(words[at] as number);
    };
    smmu.map(table, PAGE, 0x8000, 1, READ);
    return smmu;
  };

  test("AF = 0 is F_ACCESS, before permissions, unless AFFD says that it does not matter", () => {
    const smmu = withLow((low) => low & ~(1 << 10));
    expect(smmu.reach(PAGE, WRITE)).toBe("F_ACCESS (0x12), level 3");
    expect(withLow((low) => low & ~(1 << 10), { AFFD: 1 }).reach(PAGE)).toBe(0x8000);
  });

  test.each([
    ["a write to what is read-only", READ, WRITE, {}],
    ["an unprivileged access to what is privileged", READ | WRITE | PRIV, READ, {}],
    ["an instruction fetch where there is XN", READ | NOEXEC, READ, { instruction: true }],
  ])("%s is F_PERMISSION, from the tables and out of the TLB", (_what, prot, access, more) => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage1(), PAGE, 0x8000, 1, prot);
    expect(smmu.reach(PAGE, access, more)).toBe("F_PERMISSION (0x13), level 3");
    expect(smmu.reach(PAGE, READ | PRIV)).toBe(0x8000);
    expect(smmu.reach(PAGE, access, more)).toBe("F_PERMISSION (0x13), level 3");
  });

  test("at EL2 nothing is privileged only", () => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage1({}, { STRW: STRW.EL2 }), PAGE, 0x8000, 1, READ | PRIV);
    expectRow(smmu, 0x8000, []);
  });

  test("otherwise the memory type comes from MAIR and the shareability", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1();
    smmu.map(table, 0x1000, 0x8000, 1, READ | CACHE);
    smmu.map(table, 0x2000, 0x8000, 1, READ);
    smmu.map(table, 0x3000, 0x8000, 1, READ | MMIO);
    const snooping = [0x1000, 0x2000, 0x3000].map((at) => smmu.translate(at).snooping);
    expect(snooping).toEqual(["always", "never", "never"]);
    const swapped = new BareMetal();
    swapped.map(swapped.stage1({ MAIR0: 0xff }), PAGE, 0x8000, 1, READ);
    expect(swapped.translate(PAGE).snooping).toBe("always");
  });
});

describe("what becomes of a fault:", () => {
  test("its record says what the access was", () => {
    const smmu = new BareMetal();
    smmu.map(smmu.stage1({}, { S1CDMax: 3, S1DSS: S1DSS.TERMINATE }), PAGE, 0x8000);
    const table = smmu.table(1);
    smmu.ste(1, {
      ...{ Config: Config.S1_TRANS, S1CDMax: 3 },
      S1ContextPtr: smmu.cds({}, {}, smmu.cdOf(table)),
    });
    smmu.reach(0x12_3456, WRITE | PRIV, { substream: 2 });
    smmu.reach(0x12_3456, READ, { substream: 2, instruction: true });
    const records = smmu.events().map(({ record }) => record);
    const common = { Type: 0x10, StreamID: 1, SSV: 1, SubstreamID: 2, InputAddr: 0x12_3456, Stall: 0, S2: 0 };
    expect(records).toMatchObject([
      { ...common, RnW: 0, PnU: 1, InD: 0, CLASS: 2 },
      { ...common, RnW: 1, PnU: 0, InD: 1, CLASS: 2 },
    ]);
  });

  test("CD.A = 0 makes it RAZ/WI instead of an abort", () => {
    const smmu = new BareMetal();
    smmu.stage1({ A: 0 });
    expectRow(smmu, "F_TRANSLATION (0x10), level 1, RAZ/WI", ["F_TRANSLATION"]);
  });

  test("CD.R = 0 leaves it unrecorded, and STE.S2R = 0 in stage 2", () => {
    const smmu = new BareMetal();
    smmu.stage1({ R: 0 });
    expectRow(smmu, "F_TRANSLATION (0x10), level 1", []);
    const second = new BareMetal();
    second.stage2({ S2R: 0 });
    expectRow(second, "F_TRANSLATION (0x10), stage 2, level 1, IPA 0x1000", []);
  });

  test("while the SMMU is off everything gets through, or nothing with GBPA.ABORT", () => {
    const smmu = new BareMetal();
    smmu.hardware.enabled = false;
    expectRow(smmu, PAGE, []);
    smmu.hardware.abortsWhenDisabled = true;
    expectRow(smmu, "SMMU_GBPA.ABORT", []);
  });
});
