// SPDX-License-Identifier: MIT
import { dmaAddr, physAddr } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { maliMmu } from "../src/index.ts";
import { bareMmu } from "./bare-mmu.ts";

const { READ, WRITE } = IommuProt;
const MiB = 2 ** 20;
const AT = 0x4000_0000;

test("an address space gets registers with its first job: flushed, tables, UPDATE", () => {
  const { mmu, map, job, commands } = bareMmu(maliMmu());
  const context = mmu.createContext();
  map(context, AT, 0x1234_5000);
  expect(commands).toEqual([]);
  job(context, AT);
  const transtab = (context.table.rootAddress + 7).toString(16);
  expect(commands).toEqual(["AS0 COMMAND=FLUSH_MEM", `AS0 TRANSTAB=0x${transtab}`, "AS0 COMMAND=UPDATE"]);
});

test("a walker that snoops is told to (SHARE_OUTER)", () => {
  const { mmu, map, job, commands } = bareMmu(maliMmu({ coherentWalk: true }));
  const context = mmu.createContext();
  map(context, AT, 0x1234_5000);
  job(context, AT);
  expect(commands[1]).toBe(`AS0 TRANSTAB=0x${(context.table.rootAddress + 0x17).toString(16)}`);
});

test("mapping and unmapping flush a region around what changed, of an address space that has registers", () => {
  const { mmu, map, unmap, job, commands } = bareMmu(maliMmu());
  const [one, two] = [mmu.createContext(), mmu.createContext()];
  map(one, AT, 0x1234_5000);
  job(one, AT);
  commands.length = 0;
  map(one, AT + 0x7000, 0x1234_7000, 0x2000);
  unmap(one, AT);
  map(two, AT, 0x1234_5000);
  expect(commands).toEqual([
    "AS0 COMMAND=FLUSH_PT [0x40000000, 0x40010000)",
    "AS0 COMMAND=FLUSH_PT [0x40000000, 0x40008000)",
  ]);
});

test("who has waited longest gives his registers up", () => {
  const { mmu, map, job, commands } = bareMmu(maliMmu({ slots: 2 }));
  const [a, b, c] = [mmu.createContext(), mmu.createContext(), mmu.createContext()];
  for (const context of [a, b, c]) map(context, AT, 0x1234_5000);
  const slots: string[] = [];
  for (const context of [a, b, a, c, a, b, c]) {
    commands.length = 0;
    expect(job(context, AT).fault).toBeNull();
    slots.push(commands[0]?.slice(0, 3) ?? "kept");
  }
  expect(slots).toEqual(["AS0", "AS1", "kept", "AS1", "kept", "AS1", "AS0"]);
});

test("a process that is gone leaves its registers to the next", () => {
  const { mmu, map, job, commands } = bareMmu(maliMmu({ slots: 1 }));
  const one = mmu.createContext();
  map(one, AT, 0x1234_5000);
  job(one, AT);
  mmu.destroyContext(one);
  expect(commands.slice(-3)).toEqual(["AS0 COMMAND=FLUSH_MEM", "AS0 TRANSTAB=0x0", "AS0 COMMAND=UPDATE"]);
  expect(() => mmu.switchTo(one)).toThrow(TypeError);
  const two = mmu.createContext();
  expect(job(two, AT).fault).not.toBeNull();
});

describe("faults have the exception with its level, and the access, as AS_FAULTSTATUS", () => {
  const { mmu, map, job } = bareMmu(maliMmu());
  const context = mmu.createContext();
  map(context, AT, 0x1234_5000, 4096, READ);
  map(context, AT + 2 * MiB, 0x2000_0000, 2 * MiB, READ);
  test.each([
    ["nothing in the top table", 2 ** 40, READ, "TRANSLATION_FAULT_0 (AS_FAULTSTATUS 0x2c0)"],
    ["no table of 1 GiB", 2 ** 31, READ, "TRANSLATION_FAULT_1 (AS_FAULTSTATUS 0x2c1)"],
    ["no table of 2 MiB", AT + 8 * MiB, WRITE, "TRANSLATION_FAULT_2 (AS_FAULTSTATUS 0x3c2)"],
    ["no page", AT + 4096, READ, "TRANSLATION_FAULT_3 (AS_FAULTSTATUS 0x2c3)"],
    ["a page that may be read", AT, WRITE, "PERM_FAULT_3 (AS_FAULTSTATUS 0x3cb)"],
    ["a block that may be read", AT + 3 * MiB, WRITE, "PERM_FAULT_2 (AS_FAULTSTATUS 0x3ca)"],
    ["an address of more than 48 bits", 2 ** 48, READ, "ADDR_SIZE_FAULT_IN0 (AS_FAULTSTATUS 0x2e0)"],
  ])("%s", (_, address, access, fault) => {
    expect(job(context, address, access).fault).toBe(fault);
  });
});

test("a block of 2 MiB is one entry of the TLB, also where a part of it is unmapped later", () => {
  const { mmu, map, unmap, job } = bareMmu(maliMmu({ omits: ["AS_COMMAND_FLUSH_PT"] }));
  const context = mmu.createContext();
  map(context, AT, 0x2000_0000, 2 * MiB);
  expect(job(context, AT + 0x1000).end).toBe(AT + 2 * MiB);
  unmap(context, AT + 0x5000);
  expect(job(context, AT + 0x5000)).toMatchObject({
    fault: null,
    address: 0x2000_5000,
    missing: "AS_COMMAND_FLUSH_PT of 0x40005000 in AS0",
  });
  expect(job(context, AT + 0x6000).missing).toBeNull();
});

test("the driver hands addresses out from 32 MiB on and below 4 GiB, though the hardware has 48 bits", () => {
  const { start, end } = bareMmu(maliMmu()).mmu.createContext();
  expect([start, end]).toEqual([2 ** 25, 2 ** 32]);
});

test("a page that can be neither read nor written is EINVAL (M-25)", () => {
  const context = bareMmu(maliMmu()).mmu.createContext();
  expect(() => context.map(dmaAddr(AT), physAddr(0x1000), 4096, IommuProt.CACHE)).toThrow("-EINVAL");
});
