// SPDX-License-Identifier: MIT
// Values by hand, out of the figures of Arm IHI 0070: 64-bit words, the lowest first.
import { describe, expect, test } from "vitest";
import { CD, L1CD } from "../../src/v3/cd.ts";
import { type Command, decodeCommand, encodeCommand } from "../../src/v3/command.ts";
import { EVENT, EventCode, eventName, fetchAddrOf, setFetchAddr } from "../../src/v3/event.ts";
import { PAGE_REQUEST } from "../../src/v3/pri.ts";
import { L1STD, STE } from "../../src/v3/ste.ts";

/** 64-bit words as the manual's figures show them. */
const quads = (words: Uint32Array): string[] => {
  const shown: string[] = [];
  for (let i = 0; i < words.length; i += 2)
    shown.push(((BigInt(words[i + 1] as number) << 32n) | BigInt(words[i] as number)).toString(16));
  return shown;
};
const padded = (...first: string[]): string[] => [...first, ...new Array<string>(8 - first.length).fill("0")];

describe("a stream table entry (5.2)", () => {
  test("of abort has V alone", () => expect(quads(STE.encode({ V: 1 }))).toEqual(padded("1")));

  test("of bypass has Config 0b100 in bits 3:1 and SHCFG in bits 109:108", () =>
    expect(quads(STE.encode({ V: 1, Config: 4, SHCFG: 1 }))).toEqual(padded("9", "100000000000")));

  test("of stage 1 has S1ContextPtr in bits 51:6 as an address, and S1CDMax in bits 63:59", () =>
    expect(
      quads(STE.encode({ V: 1, Config: 5, S1Fmt: 2, S1ContextPtr: 0x8_1234_5640, S1CDMax: 16 })),
    ).toEqual(padded("800000081234566b")));

  test("has S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS, STRW in its second word", () =>
    expect(
      quads(STE.encode({ S1DSS: 2, S1CIR: 1, S1COR: 1, S1CSH: 3, S1STALLD: 1, EATS: 1, STRW: 2 })),
    ).toEqual(padded("0", "980000d6")));

  test("of stage 2 has VMID, VTCR, S2AA64, S2PTW and S2R in the third word, S2TTB in the fourth", () =>
    expect(
      quads(
        STE.encode({
          ...{ V: 1, Config: 6, S2VMID: 0x1234, S2T0SZ: 24, S2SL0: 1, S2IR0: 1, S2OR0: 1, S2SH0: 3 },
          ...{ S2TG: 0, S2PS: 4, S2AA64: 1, S2PTW: 1, S2S: 1, S2R: 1, S2TTB: 0x8_0000_0010 },
        }),
      ),
    ).toEqual(padded("d", "0", "64c355800001234", "800000010")));

  test("has MemAttr in bits 99:96, MTCFG in bit 100, S2FWB in bit 89, MEV in bit 83", () =>
    expect(quads(STE.encode({ MemAttr: 0xf, MTCFG: 1, S2FWB: 1, MEV: 1 }))).toEqual(
      padded("0", "1f02080000"),
    ));

  test("refuses a value that does not fit, and a field that it does not have", () => {
    expect(() => STE.encode({ Config: 8 })).toThrow("STE.Config: 8 does not fit into bits 3:1");
    expect(() => STE.encode({ S1ContextPtr: 0x20 })).toThrow("STE.S1ContextPtr");
    expect(() => STE.encode({ Colour: 1 } as never)).toThrow("STE has no field Colour");
  });
});

test("a level 1 stream table descriptor has Span in bits 4:0 and L2Ptr in bits 51:6 (5.1)", () =>
  expect(quads(L1STD.encode({ Span: 9, L2Ptr: 0xf_ffff_ffff_ffc0 }))).toEqual(["fffffffffffc9"]));

describe("a context descriptor (5.4)", () => {
  test("has TCR, V, IPS, AA64, R, A, ASET and ASID in its first word", () =>
    expect(
      quads(
        CD.encode({
          ...{ T0SZ: 16, TG0: 0, IR0: 1, OR0: 1, SH0: 3, EPD1: 1, V: 1, IPS: 4, AA64: 1 },
          ...{ R: 1, A: 1, ASET: 1, ASID: 7 },
        }),
      ),
    ).toEqual(padded("7e204c0003510")));

  test("has S in bit 44, HA in bit 43, HD in bit 42, AFFD in bit 35", () =>
    expect(quads(CD.encode({ S: 1, HA: 1, HD: 1, AFFD: 1 }))).toEqual(padded("1c0800000000")));

  test("has TTB0 in its second word and MAIR in its fourth", () =>
    expect(quads(CD.encode({ TTB0: 0x8765_4320, MAIR0: 0xf404_ff44, MAIR1: 0x1 }))).toEqual(
      padded("0", "87654320", "0", "1f404ff44"),
    ));
});

test("a level 1 context descriptor has V in bit 0 and L2Ptr in bits 51:12 (5.3)", () =>
  expect(quads(L1CD.encode({ V: 1, L2Ptr: 0x12_3456_7000 }))).toEqual(["1234567001"]));

describe("a command", () => {
  const commands: readonly (readonly [string, Command, readonly string[]])[] = [
    ["4.3.1", { op: "CMD_CFGI_STE", StreamID: 0x1234_5678, Leaf: 1 }, ["1234567800000003", "1"]],
    ["4.3.2", { op: "CMD_CFGI_STE_RANGE", StreamID: 0, Range: 31 }, ["4", "1f"]],
    ["4.3.3", { op: "CMD_CFGI_CD", StreamID: 7, SubstreamID: 0xabcde, Leaf: 1 }, ["7abcde005", "1"]],
    ["4.3.4", { op: "CMD_CFGI_CD_ALL", StreamID: 7 }, ["700000006", "0"]],
    ["4.4", { op: "CMD_TLBI_NH_ALL", VMID: 3 }, ["300000010", "0"]],
    ["4.4", { op: "CMD_TLBI_NH_ASID", ASID: 0xffff, VMID: 3 }, ["ffff000300000011", "0"]],
    [
      "4.4.2",
      { op: "CMD_TLBI_NH_VA", ASID: 1, VMID: 2, Address: 0x1000, Leaf: 1 },
      ["1000200000012", "1001"],
    ],
    [
      "4.4.2",
      { op: "CMD_TLBI_NH_VAA", VMID: 2, Address: 0xf_ffff_ffff_f000 },
      ["200000013", "ffffffffff000"],
    ],
    ["4.4", { op: "CMD_TLBI_S12_VMALL", VMID: 9 }, ["900000028", "0"]],
    ["4.4", { op: "CMD_TLBI_S2_IPA", VMID: 9, Address: 0x5000 }, ["90000002a", "5000"]],
    ["4.4", { op: "CMD_TLBI_NSNH_ALL" }, ["30", "0"]],
    ["4.4", { op: "CMD_TLBI_EL2_VA", ASID: 4, Address: 0x3000, Leaf: 1 }, ["4000000000022", "3001"]],
    [
      "4.4",
      { op: "CMD_TLBI_NH_VA", ASID: 1, Address: 0x20_0000, TG: 1, TTL: 3, SCALE: 9, NUM: 31, Leaf: 1 },
      ["100000091f012", "200701"],
    ],
    ["4.5.1", { op: "CMD_ATC_INV", StreamID: 5, Address: 0x4000, Size: 2 }, ["500000040", "4002"]],
    [
      "4.5.1",
      { op: "CMD_ATC_INV", StreamID: 5, SSV: 1, SubstreamID: 6, Global: 1, Size: 52 },
      ["500006a40", "34"],
    ],
    ["4.5.2", { op: "CMD_PRI_RESP", StreamID: 5, PRGIndex: 0x1ff, Resp: 2 }, ["500000041", "21ff"]],
    ["4.6.1", { op: "CMD_RESUME", StreamID: 5, STAG: 0xbeef, Resp: 1 }, ["500001044", "beef"]],
    ["4.6.2", { op: "CMD_STALL_TERM", StreamID: 5 }, ["500000045", "0"]],
    ["4.7.3", { op: "CMD_SYNC", CS: 2 }, ["2046", "0"]],
    [
      "4.7.3",
      { op: "CMD_SYNC", CS: 1, MSIData: 8, MSIAddress: 0x1000_0004, MSIAttr: 15, MSH: 3 },
      ["80fc01046", "10000004"],
    ],
    ["4.2.1", { op: "CMD_PREFETCH_CONFIG", StreamID: 1 }, ["100000001", "0"]],
  ];
  test.each(commands)("of section %s is %o", (_section, command, expected) => {
    const words = encodeCommand(command);
    expect(quads(words)).toEqual(expected);
    expect(decodeCommand(words)).toMatchObject(command);
  });

  test("with an opcode that is reserved is none", () =>
    expect(decodeCommand(new Uint32Array([0xff, 0, 0, 0]))).toBeNull());
});

describe("an event record (7.3)", () => {
  test("has type, stream and substream first, then what the access was, then its address", () =>
    expect(
      quads(
        EVENT.encode({
          ...{ Type: 0x10, SSV: 1, SubstreamID: 2, StreamID: 0x55, STAG: 0xabc, Stall: 1, PnU: 1 },
          ...{ InD: 1, RnW: 1, S2: 1, CLASS: 2, InputAddr: 0x1234_5678_9abc, IPA: 0xf_f000 },
        }),
      ),
    ).toEqual(["5500002810", "28e80000abc", "123456789abc", "ff000"]));

  test("of a fetch has an address of 8 bytes in its last word", () => {
    const words = EVENT.encode({ Type: EventCode.F_CD_FETCH });
    setFetchAddr(words, 0x8765_4328);
    expect(quads(words)).toEqual(["9", "0", "0", "87654328"]);
    expect(fetchAddrOf(words)).toBe(0x8765_4328);
    expect(eventName(words)).toBe("F_CD_FETCH");
  });

  test("has the numbers of M-53", () =>
    expect(Object.values(EventCode)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x24,
    ]));
});

test("a page request has stream and substream, what is wanted, and its group (8.1)", () =>
  expect(
    quads(
      PAGE_REQUEST.encode({
        ...{ StreamID: 0x77, SubstreamID: 3, SSV: 1, L: 1, W: 1, R: 1, PRGIndex: 5, Address: 0x9000 },
      }),
    ),
  ).toEqual(["f000000300000077", "9005"]));
