// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { AtsDevice } from "../../src/v3/ats-device.ts";
import { PriResponse } from "../../src/v3/command.ts";
import { PAGE_REQUEST } from "../../src/v3/pri.ts";
import { Config, EATS, S1DSS } from "../../src/v3/ste.ts";
import { BareMetal } from "./bare-metal.ts";

const { READ, WRITE, CACHE } = IommuProt;
const PAGE = 0x1000;

/** Stream 1 with an ATC, through stage 1. */
function withAtc(cd = {}, ste = {}) {
  const smmu = new BareMetal();
  const table = smmu.stage1(cd, { EATS: EATS.TRANS, ...ste });
  const device = new AtsDevice(smmu.hardware, 1);
  device.atc.enabled = true;
  return { smmu, table, device };
}

describe("a device with an ATC (3.9)", () => {
  test("asks once, and keeps the answer when the SMMU has forgotten it", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000);
    expect(device.translate(PAGE + 7, READ)).toMatchObject({
      address: 0x8007,
      snooping: "always",
      missing: null,
    });
    table.unmapPages(PAGE, 4096, 1);
    smmu.sync({ op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE });
    expect(device.translate(PAGE, READ)).toMatchObject({
      address: 0x8000,
      missing: "CMD_ATC_INV of 0x1000 for StreamID 0x1, CMD_SYNC",
    });
    smmu.send({ op: "CMD_ATC_INV", StreamID: 1, Address: PAGE });
    expect(device.translate(PAGE, READ).missing).toBe("CMD_SYNC");
    smmu.sync();
    expect(device.translate(PAGE, READ).fault).toBe("ATS: F_TRANSLATION (0x10), level 3");
  });

  test("lacks both invalidations when neither came", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000);
    device.translate(PAGE, READ);
    table.unmapPages(PAGE, 4096, 1);
    expect(device.translate(PAGE, READ).missing).toBe(
      "CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC, CMD_ATC_INV of 0x1000 for StreamID 0x1, CMD_SYNC",
    );
  });

  test("gets the old answer again when its own is dropped before the TLBI is complete (M-49)", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000);
    device.translate(PAGE, READ);
    table.unmapPages(PAGE, 4096, 1);
    smmu.sync(
      { op: "CMD_TLBI_NH_VA", ASID: 1, Address: PAGE },
      { op: "CMD_ATC_INV", StreamID: 1, Address: PAGE },
    );
    expect(device.translate(PAGE, READ)).toMatchObject({
      address: 0x8000,
      missing: "CMD_ATC_INV of 0x1000 for StreamID 0x1, CMD_SYNC",
    });
  });

  test("loses what a CMD_ATC_INV names by size, stream and substream, and no more", () => {
    const { smmu, table, device } = withAtc({}, { S1CDMax: 2, S1DSS: S1DSS.SSID0 });
    smmu.map(table, 0, 0x10_0000, 8);
    const other = smmu.table(1);
    smmu.map(other, 0, 0x20_0000, 8);
    smmu.ste(1, {
      ...{ Config: Config.S1_TRANS, S1CDMax: 2, S1DSS: S1DSS.SSID0, EATS: EATS.TRANS },
      S1ContextPtr: smmu.cds(smmu.cdOf(table), smmu.cdOf(other, { ASID: 2 })),
    });
    const use = (): void => {
      for (const substream of [undefined, 1])
        for (let page = 0; page < 8; page++) device.translate(page * PAGE, READ, substream);
    };
    const kept = (substream?: number): number[] =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((page) => device.atc.find(page * PAGE, substream) !== null);
    use();
    smmu.sync({ op: "CMD_ATC_INV", StreamID: 1, Address: 0x2000, Size: 1 });
    expect([kept(), kept(1)]).toEqual([
      [0, 1, 4, 5, 6, 7],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]);
    smmu.sync({ op: "CMD_ATC_INV", StreamID: 1, SSV: 1, SubstreamID: 1, Address: 0x4000, Size: 2 });
    expect([kept(), kept(1)]).toEqual([
      [0, 1, 4, 5, 6, 7],
      [0, 1, 2, 3],
    ]);
    smmu.sync({ op: "CMD_ATC_INV", StreamID: 2, Size: 52 });
    expect(kept(1)).toEqual([0, 1, 2, 3]);
    smmu.sync({ op: "CMD_ATC_INV", StreamID: 1, SSV: 1, Global: 1, Size: 52 });
    expect([kept(), kept(1)]).toEqual([[], []]);
  });

  test("asks again for what it was not given", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000, 1, READ | CACHE);
    expect(device.translate(PAGE, READ).address).toBe(0x8000);
    expect(device.translate(PAGE, WRITE).fault).toBe("ATS: no permission");
    expect(smmu.names()).toEqual([]);
  });

  test("may not ask while EATS is off or the STE is bypass: F_BAD_ATS_TREQ", () => {
    for (const ste of [{ EATS: EATS.ABORT }, { Config: Config.BYPASS }]) {
      const { smmu, device } = withAtc({}, ste);
      expect(device.translate(PAGE, READ).fault).toBe("ATS: F_BAD_ATS_TREQ (0x05)");
      expect(smmu.names()).toEqual(["F_BAD_ATS_TREQ"]);
    }
  });

  test.each([
    ["C_BAD_STE (0x04)", { V: 0, EATS: EATS.TRANS }, ["C_BAD_STE"]],
    ["STE.Config is abort", { Config: Config.ABORT }, []],
    ["C_BAD_CD (0x0a)", { EATS: EATS.TRANS, Config: Config.S1_TRANS }, ["C_BAD_CD"]],
  ] as const)("hears of a configuration that is wrong, %s, and so does software", (fault, ste, events) => {
    const { smmu, device } = withAtc({ V: 0 }, { S1CDMax: 0 });
    smmu.ste(1, { S1ContextPtr: smmu.cds({}), ...ste });
    expect(device.translate(PAGE, READ).fault).toBe(`ATS: ${fault}`);
    expect(smmu.names()).toEqual(events);
  });

  test("may not use what it has kept while the STE is abort, silently", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000);
    device.translate(PAGE, READ);
    smmu.ste(1, { Config: Config.ABORT, EATS: EATS.TRANS });
    smmu.sync({ op: "CMD_CFGI_STE", StreamID: 1 });
    expect(device.translate(PAGE, READ).fault).toBe("STE.Config is abort");
    expect(smmu.names()).toEqual([]);
  });

  test("is stopped with what it has kept when EATS goes: F_TRANSL_FORBIDDEN", () => {
    const { smmu, table, device } = withAtc();
    smmu.map(table, PAGE, 0x8000);
    device.translate(PAGE, READ);
    smmu.stage1();
    smmu.sync({ op: "CMD_CFGI_STE", StreamID: 1 });
    expect(device.translate(PAGE, READ).fault).toBe("F_TRANSL_FORBIDDEN (0x07)");
    expect(smmu.names()).toEqual(["F_TRANSL_FORBIDDEN"]);
  });

  test("goes untranslated when ATS is off in it", () => {
    const { smmu, table, device } = withAtc();
    device.atc.enabled = false;
    smmu.map(table, PAGE, 0x8000);
    expect(device.translate(PAGE, READ).address).toBe(0x8000);
    expect(device.atc.find(PAGE, undefined)).toBeNull();
  });

  test("that does not answer an invalidation makes CMD_SYNC end in CERROR_ATC_INV_SYNC", () => {
    const { smmu, device } = withAtc();
    device.atc.responds = false;
    smmu.sync({ op: "CMD_ATC_INV", StreamID: 1, Size: 52 });
    expect(smmu.hardware.commands.error).toBe(3);
    smmu.hardware.commands.acknowledge();
    expect(smmu.hardware.commands.error).toBe(0);
  });
});

describe("a page request (8.1, M-55)", () => {
  test("is answered by software with CMD_PRI_RESP, and then the page is there", () => {
    const { smmu, table, device } = withAtc();
    const { pageRequests } = smmu.hardware;
    pageRequests.onRecord = () => {
      for (let words = pageRequests.consume(); words !== null; words = pageRequests.consume()) {
        const request = PAGE_REQUEST.decode(words);
        expect(request).toMatchObject({ StreamID: 1, SSV: 0, R: 0, W: 1, L: 1, Address: PAGE, PRGIndex: 0 });
        smmu.map(table, request.Address, 0x8000);
        smmu.send({ op: "CMD_PRI_RESP", StreamID: 1, PRGIndex: request.PRGIndex, Resp: PriResponse.SUCCESS });
      }
    };
    expect(device.translate(PAGE + 4, WRITE)).toMatchObject({ fault: null, address: 0x8004, missing: null });
  });

  test("that is denied leaves the access refused", () => {
    const { smmu, device } = withAtc();
    const { pageRequests } = smmu.hardware;
    pageRequests.onRecord = () => {
      pageRequests.consume();
      smmu.send({ op: "CMD_PRI_RESP", StreamID: 1, PRGIndex: 0, Resp: PriResponse.DENY });
    };
    expect(device.translate(PAGE, READ).fault).toBe("ATS: F_TRANSLATION (0x10), level 1");
  });

  test("is lost when the queue is full, and all are until that is acknowledged", () => {
    const smmu = new BareMetal();
    const ask = (): boolean =>
      smmu.hardware.ats.requestPage({ streamId: 1, address: PAGE, access: READ }, 1, true);
    expect(Array.from({ length: 64 }, ask).every(Boolean)).toBe(true);
    expect(ask()).toBe(false);
    const { pageRequests } = smmu.hardware;
    pageRequests.consume();
    expect([ask(), pageRequests.hasOverflown]).toEqual([false, true]);
    pageRequests.acknowledge();
    expect(ask()).toBe(true);
  });
});
