// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { contextBankRegisters } from "../../src/v2/context-bank-registers.ts";
import { config } from "../lpae/config.ts";

// IHI 0062, chapters 9, 10 and 16; values put together by hand from the fields.
test("a bank of stage 1 with 4 KiB pages, 48 bits and walks that snoop", () => {
  expect(contextBankRegisters(config(1), 0x8_1234_5000, 3, false)).toEqual({
    // TYPE 1 (17:16), MemAttr 0xf (15:12), BPSHCFG 3 (9:8).
    cbar: 0x1_f300,
    cba2r: 1,
    // ASIDPNE, CFIE, CFRE, AFE, TRE, M.
    sctlr: 0x1067,
    // EPD1, SH0 3, ORGN0 1, IRGN0 1, T0SZ 16.
    tcr: 0x80_3510,
    // SEP 7, AS, PASize 5.
    tcr2: 0x3_8015,
    ttbr0: [0x1234_5000, 0x3_0008],
    ttbr1: [0, 0x3_0000],
    mair0: 0xf404_ff44,
    mair1: 0,
  });
});

test("a bank of stage 1 with 64 KiB pages whose walks do not snoop, and that stalls", () => {
  const of = config(1, "64KiB", { inputBits: 40, outputBits: 40, coherentWalk: false });
  expect(contextBankRegisters(of, 0x4000_0000, 0, true)).toMatchObject({
    // CFCFG is bit 7.
    sctlr: 0x10e7,
    // EPD1, TG0 1, SH0 2, T0SZ 24.
    tcr: 0x80_6018,
    tcr2: 0x3_8012,
    ttbr0: [0x4000_0000, 0],
  });
});

test("a bank of stage 2 with two tables in a row for 40 bits", () => {
  const of = config(2, "4KiB", { inputBits: 40, outputBits: 44, coherentWalk: false });
  expect(contextBankRegisters(of, 0xf_4000_2000, 4, false)).toEqual({
    // TYPE 0, VMID 5.
    cbar: 5,
    cba2r: 1,
    sctlr: 0x67,
    // RES1, PS 4 (18:16), SH0 2, SL0 1 (7:6), T0SZ 24.
    tcr: 0x8004_2058,
    tcr2: 0,
    ttbr0: [0x4000_2000, 0xf],
    ttbr1: [0, 0],
    mair0: 0,
    mair1: 0,
  });
});
