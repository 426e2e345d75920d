// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { contextWordOf, decodeContext, encodeContext, TranslationType } from "../src/context-entry.ts";
import {
  decodePasid,
  directoryWordOf,
  encodeDirectory,
  encodePasid,
  Pgtt,
  pasidTableIn,
  pasidWordOf,
} from "../src/pasid-entry.ts";
import { contextTableIn, rootHalf, rootWordOf } from "../src/root-table.ts";
import {
  decodeScalableContext,
  encodeScalableContext,
  scalableContextWordOf,
} from "../src/scalable-context-entry.ts";
import { sourceName } from "../src/source-id.ts";

// Values by hand from the figures of VT-d chapter 9.
const GPU = (0 << 8) | (2 << 3) | 0;
const NIC = (3 << 8) | (31 << 3) | 7;

test("a requester id is written as lspci does", () => {
  expect([sourceName(GPU), sourceName(NIC)]).toEqual(["00:02.0", "03:1f.7"]);
});

describe("a root entry (9.1, 9.2)", () => {
  test("is 16 bytes a bus; in scalable mode its upper half is for devices 16 to 31", () => {
    expect(rootWordOf(GPU, "legacy")).toBe(0);
    expect(rootWordOf(NIC, "legacy") * 4).toBe(0x30);
    expect(rootWordOf(GPU, "scalable")).toBe(0);
    expect(rootWordOf(NIC, "scalable") * 4).toBe(0x38);
  });

  test("has P and the pointer to the context table", () => {
    expect(rootHalf(0x1_2345_6000)).toEqual([0x2345_6001, 1]);
    expect(contextTableIn([0x2345_6001, 1])).toBe(0x1_2345_6000);
    expect(contextTableIn([0x2345_6000, 1])).toBeNull();
  });
});

describe("a context entry of legacy mode (9.3)", () => {
  test("is 16 bytes a function", () => {
    expect([contextWordOf(GPU) * 4, contextWordOf(NIC) * 4]).toEqual([0x100, 0xff0]);
  });

  test("has P, FPD, TT 3:2, SLPTPTR 63:12, AW 66:64 and DID 87:72", () => {
    const entry = {
      ...{ faultsDisabled: false, type: TranslationType.MULTI_LEVEL, pageTable: 0x1_2345_6000 },
      ...{ width: 48 as const, domainId: 0xabcd },
    } as const;
    expect(encodeContext(entry)).toEqual([0x2345_6001, 1, 0x00ab_cd02, 0]);
    expect(decodeContext([0x2345_6001, 1, 0x00ab_cd02, 0])).toEqual(entry);
    expect(encodeContext({ ...entry, type: TranslationType.DEV_IOTLB, width: 39 })).toEqual([
      ...[0x2345_6005, 1, 0x00ab_cd01, 0],
    ]);
    expect(encodeContext({ ...entry, type: TranslationType.PASS_THROUGH, pageTable: 0, width: 57 })).toEqual([
      ...[0x9, 0, 0x00ab_cd03, 0],
    ]);
    expect(encodeContext({ ...entry, faultsDisabled: true })[0]).toBe(0x2345_6003);
  });

  test("is not present without P", () => {
    expect(decodeContext([0x2345_6008, 1, 0x00ab_cd02, 0])).toBeNull();
  });
});

describe("a context entry of scalable mode (9.4)", () => {
  test("is 32 bytes a function, in a table of devices 0 to 15 or of 16 to 31", () => {
    expect([scalableContextWordOf(GPU) * 4, scalableContextWordOf(NIC) * 4]).toEqual([0x200, 0xfe0]);
  });

  test("has P, FPD, DTE 2, PASIDE 3, PDTS 11:9, PASIDDIRPTR 63:12 and RID_PASID 83:64", () => {
    const entry = {
      ...{ faultsDisabled: false, deviceTlb: true, pasids: true, directorySize: 2 },
      ...{ directory: 0x7_6543_2000, ridPasid: 0 },
    };
    const words = [0x6543_240d, 7, 0, 0, 0, 0, 0, 0];
    expect(encodeScalableContext(entry)).toEqual(words);
    expect(decodeScalableContext(words)).toEqual(entry);
    expect(decodeScalableContext([0x6543_240c, 7, 0, 0, 0, 0, 0, 0])).toBeNull();
  });
});

describe("a PASID's entries (9.5, 9.6)", () => {
  test("are in the directory by bits 19:6, 8 bytes each, and in their table by bits 5:0, 64 bytes each", () => {
    expect([directoryWordOf(0), directoryWordOf(0x1234)].map((word) => word * 4)).toEqual([0, 0x48 * 8]);
    expect([pasidWordOf(1), pasidWordOf(0x1234)].map((word) => word * 4)).toEqual([64, 0x34 * 64]);
  });

  test("the directory's has P and the pointer", () => {
    expect(encodeDirectory(0x1_2345_6000)).toEqual([0x2345_6001, 1]);
    expect(pasidTableIn([0x2345_6001, 1])).toBe(0x1_2345_6000);
    expect(pasidTableIn([0x2345_6000, 1])).toBeNull();
  });

  const common = { faultsDisabled: false, domainId: 0x77, pageTable: 0x1_2345_6000 } as const;

  test("second-level: AW 4:2, PGTT 8:6 = 2, SLPTPTR 63:12, DID 79:64, PWSNP 87", () => {
    const entry = {
      ...common,
      type: Pgtt.SECOND_LEVEL,
      width: 48,
      walkSnoop: true,
      pageSnoop: false,
    } as const;
    const words = encodePasid(entry);
    expect(words.slice(0, 6)).toEqual([0x2345_6089, 1, 0x0080_0077, 0, 0, 0]);
    expect(words).toHaveLength(16);
    expect(decodePasid(words)).toEqual(entry);
  });

  test("first-level: PGTT = 1, PGSNP 88, FLPM 131:130, FLPTPTR 191:140", () => {
    const entry = {
      ...common,
      type: Pgtt.FIRST_LEVEL,
      width: 48,
      walkSnoop: false,
      pageSnoop: true,
    } as const;
    expect(encodePasid(entry).slice(0, 6)).toEqual([0x41, 0, 0x0100_0077, 0, 0x2345_6000, 1]);
    expect(decodePasid(encodePasid(entry))).toEqual(entry);
    const five = { ...entry, width: 57 } as const;
    expect(encodePasid(five)[4]).toBe(0x2345_6004);
    expect(decodePasid(encodePasid(five))).toEqual(five);
  });

  test("pass-through: PGTT = 4 and no table", () => {
    const entry = {
      ...{
        ...common,
        type: Pgtt.PASS_THROUGH,
        pageTable: 0,
        width: 48 as const,
        walkSnoop: false,
        pageSnoop: false,
      },
    } as const;
    expect(encodePasid(entry).slice(0, 3)).toEqual([0x109, 0, 0x77]);
  });

  test("FPD is bit 1, and without P it is not present", () => {
    const entry = {
      ...{
        ...common,
        faultsDisabled: true,
        type: Pgtt.NESTED,
        width: 39 as const,
        walkSnoop: false,
        pageSnoop: false,
      },
    } as const;
    const words = [...encodePasid(entry)];
    expect((words[0] as number) & 0xfff).toBe(0x0c7);
    words[0] = (words[0] as number) - 1;
    expect(decodePasid(words)).toBeNull();
  });
});
