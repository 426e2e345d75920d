// SPDX-License-Identifier: MIT
// Transitions and numbers of syncs that the kernel's own test expects. @see drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-test.c
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { usedOfCd } from "../../src/v3/arm-smmu-cd.ts";
import { type EntryWriter, writeEntry } from "../../src/v3/arm-smmu-entry.ts";
import {
  abortSte,
  bypassSte,
  cdTableSte,
  type SteTraits,
  stage2Ste,
  usedOfSte,
} from "../../src/v3/arm-smmu-ste.ts";
import { CD } from "../../src/v3/cd.ts";
import { Config, S1DSS, S1Fmt, STE } from "../../src/v3/ste.ts";

type Used = EntryWriter["used"];

/** Writes an entry, and says what the SMMU could see at each sync. */
function transition(used: Used, from: Uint32Array, to: Uint32Array) {
  const entry = from.slice();
  const seen: Uint32Array[] = [];
  writeEntry(
    {
      read: () => entry,
      write(index, low, high) {
        entry[2 * index] = low;
        entry[2 * index + 1] = high;
      },
      sync: () => seen.push(entry.slice()),
      used,
    },
    to,
  );
  expect(entry).toEqual(to);
  return { syncs: seen.length, isHitless: seen.every((words) => words[0] !== 0 || words[1] !== 0), seen };
}

const traits: SteTraits = { ats: true, stall: "not-this-master" };
const waits: SteTraits = { ats: false, stall: "yes" };
const at = 0xf0f0_f0f0_f0c0;
const cdTable = (s1dss: number, of = traits, address = at): Uint32Array =>
  cdTableSte({ address, format: S1Fmt.L2_64K, cdMax: 16 }, s1dss, of);
const vtcr = { ps: 1, tg: 2, sh: 3, orgn: 1, irgn: 2, sl: 3, tsz: 4 };
const second = (of = traits): Uint32Array => stage2Ste({ vmid: 0, vtcr, root: 0xd_aedb_eefd_eac0 }, of);
const ssid0 = cdTable(S1DSS.SSID0);
const s1bypass = cdTable(S1DSS.BYPASS);

describe("an STE changes", () => {
  test.each([
    ["bypass to abort", bypassSte(), abortSte(), 2, true],
    ["abort to bypass", abortSte(), bypassSte(), 2, true],
    ["a CD table to abort", ssid0, abortSte(), 2, true],
    ["abort to a CD table", abortSte(), ssid0, 2, true],
    ["a CD table to bypass", ssid0, bypassSte(), 3, true],
    ["bypass to a CD table", bypassSte(), ssid0, 3, true],
    ["S1DSS", ssid0, s1bypass, 1, true],
    ["S1DSS back", s1bypass, ssid0, 1, true],
    ["S1DSS bypass to bypass", s1bypass, bypassSte(), 2, true],
    ["bypass to S1DSS bypass", bypassSte(), s1bypass, 2, true],
    ["stage 2 to abort", second(), abortSte(), 2, true],
    ["abort to stage 2", abortSte(), second(), 2, true],
    ["stage 2 to bypass", second(), bypassSte(), 2, true],
    ["bypass to stage 2", bypassSte(), second(), 2, true],
    ["stage 1 to stage 2", ssid0, second(), 3, true],
    ["stage 2 to stage 1", second(), ssid0, 3, true],
    ["stage 1 to stage 2 with stalls", cdTable(S1DSS.SSID0, waits), second(waits), 3, true],
    ["stage 2 to stage 1 with stalls", second(waits), cdTable(S1DSS.SSID0, waits), 3, true],
    ["CD table and S1DSS at once", ssid0, cdTable(S1DSS.BYPASS, traits, 0x4b_4b4b_4b40), 3, false],
  ] as const)("from %s", (_what, from, to, syncs, isHitless) => {
    expect(transition(usedOfSte, from, to)).toMatchObject({ syncs, isHitless });
  });

  test("not at all when it is what it should be", () =>
    expect(transition(usedOfSte, ssid0, ssid0).syncs).toBe(0));
});

const tables = { T0SZ: 4, TG0: 2, SH0: 3, OR0: 1, IR0: 2, TTB0: 0xd_aedb_eefd_eac0 };
const cdOf = (ASID: number): Uint32Array =>
  CD.encode({ V: 1, AA64: 1, R: 1, A: 1, ASET: 1, EPD1: 1, IPS: 1, ASID, MAIR0: 0x1234_5678, ...tables });
const released = CD.encode({
  V: 1,
  AA64: 1,
  R: 1,
  A: 1,
  EPD0: 1,
  EPD1: 1,
  IPS: 1,
  ASID: 1997,
  MAIR0: 0x1234_5678,
});
const shared = CD.encode({
  V: 1,
  AA64: 1,
  R: 1,
  A: 1,
  EPD1: 1,
  IPS: 1,
  ASID: 1997,
  MAIR0: 0x1234_5678,
  ...tables,
});
const none = new Uint32Array(16);

describe("a CD changes", () => {
  test.each([
    ["nothing to stage 1", none, cdOf(1997), 2, false],
    ["stage 1 to nothing", cdOf(1997), none, 2, false],
    ["its ASID", cdOf(778), cdOf(1997), 1, true],
    ["a process's tables to none, by EPD0", shared, released, 2, true],
    ["none to a process's tables", released, shared, 2, true],
  ] as const)("from %s", (_what, from, to, syncs, isHitless) => {
    expect(transition(usedOfCd, from, to)).toMatchObject({ syncs, isHitless });
  });
});

/** An entry of random fields, with zeros where the SMMU does not look, as the driver makes them. */
const random = (
  encode: (values: Record<string, number>) => Uint32Array,
  used: Used,
  fields: Readonly<Record<string, fc.Arbitrary<number>>>,
): fc.Arbitrary<Uint32Array> =>
  fc.record(fields).map((values) => {
    const words = encode(values as Record<string, number>);
    const mask = used(words);
    return words.map((word, i) => (word & (mask[i] as number)) >>> 0);
  });

const bit = fc.integer({ min: 0, max: 1 });
const two = fc.integer({ min: 0, max: 3 });
const address = fc.integer({ min: 0, max: 3 }).map((n) => n * 0x1_0000_0040);
const stes = random((values) => STE.encode(values), usedOfSte, {
  V: bit,
  Config: fc.constantFrom(...Object.values(Config)),
  S1ContextPtr: address,
  S1CDMax: two,
  S1DSS: fc.integer({ min: 0, max: 2 }),
  S1CSH: two,
  S1STALLD: bit,
  EATS: bit,
  SHCFG: two,
  S2VMID: two,
  S2T0SZ: two,
  S2R: bit,
  S2TTB: address,
});
const cds = random((values) => CD.encode(values), usedOfCd, {
  V: bit,
  EPD0: bit,
  T0SZ: two,
  ASID: two,
  S: bit,
  TTB0: address,
  MAIR0: two,
});

test.each([
  ["STE", stes, usedOfSte],
  ["CD", cds, usedOfCd],
] as const)(
  "a random %s that changes is seen old, new or with V = 0, after every 64 bits written",
  (_what, entries, used) => {
    const looksLike = (entry: Uint32Array, other: Uint32Array): boolean => {
      const mask = used(entry);
      return entry.every((word, i) => (word & (mask[i] as number)) >>> 0 === other[i]);
    };
    fc.assert(
      fc.property(entries, entries, (from, to) => {
        const entry = from.slice();
        const check = (): void => {
          const isValid = ((entry[0] as number) & (used === usedOfCd ? 2 ** 31 : 1)) !== 0;
          expect(!isValid || looksLike(entry, from) || looksLike(entry, to)).toBe(true);
        };
        // The SMMU may have each 64 bits as they were at the last sync, or as they are: it reads again at any time.
        let settled = from.slice();
        const checkMixed = (): void => {
          for (const index of [0, 1, 2, 3]) {
            const mixed = entry.slice();
            mixed.set(settled.subarray(2 * index, 2 * index + 2), 2 * index);
            const isValid = ((mixed[0] as number) & (used === usedOfCd ? 2 ** 31 : 1)) !== 0;
            expect(!isValid || looksLike(mixed, from) || looksLike(mixed, to)).toBe(true);
          }
        };
        writeEntry(
          {
            read: () => entry,
            write(index, low, high) {
              entry[2 * index] = low;
              entry[2 * index + 1] = high;
              check();
              checkMixed();
            },
            sync() {
              settled = entry.slice();
            },
            used,
          },
          to,
        );
        expect(entry).toEqual(to);
        expect(settled).toEqual(to);
      }),
      { seed: 20261120, numRuns: 400 },
    );
  },
);
