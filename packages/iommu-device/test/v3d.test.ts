// SPDX-License-Identifier: MIT
import { dmaAddr, physAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { v3dMmu } from "../src/index.ts";
import { bareMmu } from "./bare-mmu.ts";

const { READ, WRITE } = IommuProt;
const KiB = 2 ** 10;
const MiB = 2 ** 20;

test("every change flushes all of the MMUC, and then clears all of the TLB", () => {
  const { mmu, map, unmap, commands } = bareMmu(v3dMmu());
  const context = mmu.createContext();
  map(context, 0x1000, 0x1234_5000);
  unmap(context, 0x1000);
  const flush = ["MMUC_CONTROL=FLUSH|ENABLE", "MMU_CTL=TLB_CLEAR"];
  expect(commands).toEqual([...flush, ...flush]);
});

test("says of each fault which interrupt it raises", () => {
  const { mmu, map, job } = bareMmu(v3dMmu({ addressCap: 0x2000_0000 }));
  const context = mmu.createContext();
  map(context, 0x1000, 0x1234_5000, 4096, READ);
  map(context, 0x2000, 0x2000_0000);
  expect(job(context, 0x5000).fault).toBe("pte invalid (HUB_INT.MMU_PTI, bit 4)");
  expect(job(context, 0x1000, WRITE).fault).toBe("write violation (HUB_INT.MMU_WRV, bit 5)");
  expect(job(context, 0x2000).fault).toBe("cap exceeded (HUB_INT.MMU_CAP, bit 3)");
  expect(job(context, 0x1234).fault).toBeNull();
});

test("the TLB keeps big pages and superpages as one", () => {
  const { mmu, map, job } = bareMmu(v3dMmu());
  const context = mmu.createContext();
  map(context, 1 * MiB, 0x1010_0000, 1 * MiB + 64 * KiB + 4096);
  expect(job(context, 1 * MiB + 5).end).toBe(2 * MiB);
  expect(job(context, 2 * MiB + 5).end).toBe(2 * MiB + 64 * KiB);
  expect(job(context, 2 * MiB + 64 * KiB).end).toBe(2 * MiB + 68 * KiB);
});

describe("what is left out", () => {
  test("of the MMUC: the line that has the page's neighbours still says that it is not mapped", () => {
    const { mmu, map, job } = bareMmu(v3dMmu({ omits: ["MMUC_CONTROL_FLUSH"] }));
    const context = mmu.createContext();
    map(context, 0x1000, 0x1234_5000);
    job(context, 0x1000);
    map(context, 0x2000, 0x5678_9000);
    expect(job(context, 0x2000)).toMatchObject({
      fault: "pte invalid (HUB_INT.MMU_PTI, bit 4)",
      missing: "MMUC_CONTROL.FLUSH before MMU_CTL.TLB_CLEAR",
    });
  });

  test("of the TLB: the page is where it was, whatever the MMUC says", () => {
    const { mmu, map, unmap, job } = bareMmu(v3dMmu({ omits: ["MMU_CTL_TLB_CLEAR"] }));
    const context = mmu.createContext();
    map(context, 0x1000, 0x1234_5000);
    job(context, 0x1000);
    unmap(context, 0x1000);
    map(context, 0x1000, 0x5678_9000);
    expect(job(context, 0x1000)).toMatchObject({ address: 0x1234_5000, missing: "MMU_CTL.TLB_CLEAR" });
  });
});

test("frame numbers have 24 bits", () => {
  const context = bareMmu(v3dMmu()).mmu.createContext();
  expect(() => context.map(dmaAddr(0x1000), physAddr(2 ** 36), 4096, READ)).toThrow("-ERANGE");
  expect(() => context.map(dmaAddr(0x1000), physAddr(2 ** 36 - 4096), 4096, READ)).not.toThrow();
});
