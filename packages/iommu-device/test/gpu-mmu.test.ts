// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { expect, test } from "vitest";
import { etnavivV2, gpuMmu, limaMmu, maliMmu } from "../src/index.ts";
import { bareMmu } from "./bare-mmu.ts";

const { READ, WRITE, CACHE } = IommuProt;
const KiB = 2 ** 10;
const MiB = 2 ** 20;
const AT = 0x7f00_0000_0000;

test("an address space gets a VMID with its first job, named and invalidated; later only what changed is", () => {
  const { mmu, map, job, commands } = bareMmu(gpuMmu());
  const context = mmu.createContext();
  map(context, AT, 0x1234_5000);
  job(context, AT);
  job(context, AT);
  map(context, AT + 4096, 0x1234_6000);
  job(context, AT);
  expect(commands).toEqual([
    `VM_CONTEXT1_PAGE_TABLE_BASE_ADDR=0x${context.table.rootAddress.toString(16)}`,
    "VM_INVALIDATE_ENG_REQ=VMID1",
    "VM_INVALIDATE_ENG_REQ=VMID1",
  ]);
});

test("who has waited longest gives his VMID up", () => {
  const { mmu, map, job, commands } = bareMmu(gpuMmu({ vmids: 2 }));
  const [a, b, c] = [mmu.createContext(), mmu.createContext(), mmu.createContext()];
  for (const context of [a, b, c]) map(context, AT, 0x1234_5000);
  const vmids: string[] = [];
  for (const context of [a, b, a, c, b]) {
    commands.length = 0;
    expect(job(context, AT)).toMatchObject({ fault: null, missing: null });
    vmids.push(/VM_CONTEXT(\d)/.exec(commands[0] ?? "")?.[1] ?? "kept");
  }
  expect(vmids).toEqual(["1", "2", "kept", "2", "1"]);
});

test("pages say whether they are snooped, and faults what was not allowed", () => {
  const { mmu, map, job } = bareMmu(gpuMmu());
  const context = mmu.createContext();
  map(context, AT, 0x1234_5000, 4096, READ | CACHE);
  map(context, AT + 4096, 0x1234_6000, 4096, WRITE);
  expect(job(context, AT).snooping).toBe("always");
  expect(job(context, AT + 4096, WRITE).snooping).toBe("never");
  const status = (permissions: number) =>
    `VM_L2_PROTECTION_FAULT_STATUS PERMISSION_FAULTS=0x${permissions}, VMID=1`;
  expect(job(context, AT, WRITE).fault).toBe(status(4));
  expect(job(context, AT + 4096, READ).fault).toBe(status(2));
  expect(job(context, AT + 8192, READ).fault).toBe(status(3));
  expect(job(context, AT + 8192, WRITE).fault).toBe(status(5));
});

test("the TLB keeps fragments of 64 KiB and pages of 2 MiB as one", () => {
  const { mmu, map, job } = bareMmu(gpuMmu());
  const context = mmu.createContext();
  map(context, AT, 0x4000_0000, 2 * MiB + 64 * KiB + 4096);
  expect(job(context, AT + 5).end).toBe(AT + 2 * MiB);
  expect(job(context, AT + 2 * MiB + 5).end).toBe(AT + 2 * MiB + 64 * KiB);
  expect(job(context, AT + 2 * MiB + 64 * KiB).end).toBe(AT + 2 * MiB + 68 * KiB);
});

test("lima names the tables and zaps in front of every job", () => {
  const { mmu, map, job, commands } = bareMmu(limaMmu());
  const [one, two] = [mmu.createContext(), mmu.createContext()];
  expect(mmu.translation.translate(0x1000, READ).fault).toBe("PAGE_FAULT (INT_STATUS 0x1): no address space");
  map(one, 0x1000, 0x1234_5000);
  for (const context of [one, one, two]) job(context, 0x1000);
  const load = (context: typeof one) => `DTE_ADDR=0x${context.table.rootAddress.toString(16)}`;
  const zap = "COMMAND=ZAP_CACHE";
  expect(commands).toEqual([load(one), zap, load(one), zap, load(two), zap]);
});

test.each([
  ["etnaviv", etnavivV2()],
  ["mali", maliMmu()],
  ["lima", limaMmu()],
  ["a large GPU", gpuMmu()],
])("%s does not switch to an address space of another MMU, and stays where it is", (_, factory) => {
  const { mmu, map, job } = bareMmu(factory);
  const own = mmu.createContext();
  map(own, 0x4000_0000, 0x1234_5000);
  job(own, 0x4000_0000);
  const foreign = bareMmu(factory).mmu.createContext();
  expect(() => mmu.switchTo(foreign)).toThrow(`${mmu.kind}: not an address space of this MMU`);
  expect(mmu.translation.translate(0x4000_0000, READ).address).toBe(0x1234_5000);
});
