// SPDX-License-Identifier: MIT
import { dmaAddr, physAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { linearBase } from "../src/etnaviv/v1-mmu.ts";
import { etnavivV1, etnavivV2 } from "../src/index.ts";
import { bareMmu } from "./bare-mmu.ts";

const { READ, WRITE } = IommuProt;
const GiB = 2 ** 30;
const MiB = 2 ** 20;

describe("MMUv1's linear window", () => {
  test.each([
    // i.MX6: memory from 256 MiB on, command buffers in the CMA pool at its end.
    ["an i.MX6 with 1 GiB", 0x4a00_1000, true, 0x4800_0000],
    ["an i.MX6 with 1 GiB and an MC1.0, which stays at 0", 0x4a00_1000, false, 0],
    ["an i.MX6 with 4 GiB", 0x8f00_0000, true, 2 * GiB],
    ["an MC1.0 whose command buffer is out of reach from 0", 0x8f00_0000, false, 2 * GiB],
    ["an MC1.0 whose command buffer is in the last 128 MiB of the window", 0x7a00_0000, false, 2 * GiB],
    ["Dove, memory at 0", 0x0010_0000, true, 0],
  ])("of %s begins where the command buffer is", (_, commandBuffer, mc20, base) => {
    expect(linearBase(commandBuffer, mc20)).toBe(base);
  });

  test("shows 2 GiB of the bus from there on, and no table is asked", () => {
    const { mmu } = bareMmu(etnavivV1({ commandBuffer: 0x1234_5678 }));
    const base = 0x1000_0000;
    expect(mmu.translation.translate(0x100, WRITE)).toMatchObject({ fault: null, address: base + 0x100 });
    expect(mmu.translation.translate(2 * GiB - 1, READ).address).toBe(base + 2 * GiB - 1);
    expect(mmu.linear?.(base + 0x1000, 4096)).toBe(0x1000);
    expect(mmu.linear?.(base - 4096, 4096)).toBeNull();
    // The driver asks for one byte more than would be needed.
    expect(mmu.linear?.(base + 2 * GiB - MiB, MiB)).toBeNull();
    expect(mmu.linear?.(base + 2 * GiB - MiB - 4096, MiB)).toBe(2 * GiB - MiB - 4096);
  });
});

describe("MMUv1's pages", () => {
  test("begin at 2 GiB, and all processes have them in common", () => {
    const { mmu, map, job } = bareMmu(etnavivV1());
    const context = mmu.createContext();
    expect(mmu.createContext()).toBe(context);
    map(context, 0x8000_3000, 0x1234_5000);
    expect(job(context, 0x8000_3abc, WRITE)).toMatchObject({ fault: null, address: 0x1234_5abc });
    expect(() => context.map(dmaAddr(0x7fff_f000), physAddr(0), 4096, READ)).toThrow("-EINVAL");
    expect(() => context.map(dmaAddr(2 ** 32), physAddr(0), 4096, READ)).toThrow("-EINVAL");
    expect(() => context.map(dmaAddr(0x8000_0000), physAddr(2 ** 32), 4096, READ)).toThrow("-ERANGE");
  });

  test("that are not mapped are the bad page, which the TLB remembers as any other", () => {
    const { mmu, map, job } = bareMmu(etnavivV1({ omits: ["GL_FLUSH_MMU"] }));
    const context = mmu.createContext();
    expect(job(context, 0x8000_3000)).toMatchObject({
      fault: "not mapped, and MMUv1 has no faults: the bad page at 0x10000000 answers",
      missing: null,
    });
    map(context, 0x8000_3000, 0x1234_5000);
    expect(job(context, 0x8000_3000)).toMatchObject({
      fault: "not mapped, and MMUv1 has no faults: the bad page at 0x10000000 answers",
      missing: "GL_FLUSH_MMU in the command stream, since 0x80003000 changed",
    });
  });

  test("are flushed by the next job when something changed, and not again", () => {
    const { mmu, map, job, commands } = bareMmu(etnavivV1());
    const context = mmu.createContext();
    map(context, 0x8000_3000, 0x1234_5000);
    job(context, 0x8000_3000);
    job(context, 0x8000_3000);
    expect(commands).toEqual(["GL_FLUSH_MMU=FEMMU|PEMMU"]);
  });
});

describe("MMUv2", () => {
  test("says of each fault what MMUv2_STATUS does", () => {
    const { mmu, map, job } = bareMmu(etnavivV2());
    const context = mmu.createContext();
    map(context, 0x1000, 0x1234_5000, 4096, READ);
    expect(job(context, 0x40_0000).fault).toBe("slave not present (MMUv2_STATUS 0x1)");
    expect(job(context, 0x2000).fault).toBe("page not present (MMUv2_STATUS 0x2)");
    expect(job(context, 0x1000, WRITE).fault).toBe("write violation (MMUv2_STATUS 0x3)");
    expect(job(context, 2 ** 32).fault).toBe("out of bound (MMUv2_STATUS 0x4)");
    expect(job(context, 0x1000)).toMatchObject({ fault: null, address: 0x1234_5000 });
  });

  test("loads the MTLB with every switch, and flushes with it", () => {
    const { mmu, map, job, commands } = bareMmu(etnavivV2());
    const [one, two] = [mmu.createContext(), mmu.createContext()];
    map(one, 0x1000, 0x1234_5000);
    map(two, 0x1000, 0x5678_9000);
    for (const context of [one, two, one, one]) job(context, 0x1000);
    const load = (context: typeof one) =>
      `MMUv2_CONFIGURATION=0x${context.table.rootAddress.toString(16)}|MODE4_K|FLUSH`;
    expect(commands).toEqual([load(one), load(two), load(one)]);
  });

  test("with security: the page table array's index, then a flush", () => {
    const { mmu, map, job, commands } = bareMmu(etnavivV2({ secure: true }));
    const [one, two] = [mmu.createContext(), mmu.createContext()];
    for (const context of [one, two]) map(context, 0x1000, 0x1234_5000);
    for (const context of [one, two]) job(context, 0x1000);
    expect(commands).toEqual([
      "MMUv2_PTA_CONFIG.INDEX=0",
      "MMUv2_CONFIGURATION=MODE4_K|FLUSH",
      "MMUv2_PTA_CONFIG.INDEX=1",
      "MMUv2_CONFIGURATION=MODE4_K|FLUSH",
    ]);
  });

  test("has 512 address spaces, and one more when one is given back", () => {
    const { mmu } = bareMmu(etnavivV2());
    const contexts = Array.from({ length: 512 }, () => mmu.createContext());
    expect(() => mmu.createContext()).toThrow("-ENOMEM: the page table array has 512 entries");
    mmu.destroyContext(contexts[7] as (typeof contexts)[number]);
    expect(() => mmu.createContext()).not.toThrow();
    expect(() => mmu.switchTo(contexts[7] as (typeof contexts)[number])).toThrow(TypeError);
  });

  test("leaves the first and the last page of 4 GiB alone, and its tables lie below 4 GiB", () => {
    const { mmu } = bareMmu(etnavivV2());
    const context = mmu.createContext();
    expect([context.start, context.end]).toEqual([4096, 2 ** 32 - 4096]);
    expect(() => context.map(dmaAddr(2 ** 32 - 4096), physAddr(0), 4096, READ)).toThrow("-EINVAL");
    expect(context.table.rootAddress).toBeLessThan(2 ** 32);
  });
});
