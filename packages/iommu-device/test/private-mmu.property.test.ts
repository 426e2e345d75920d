// SPDX-License-Identifier: MIT
import { assemble, board, dmaAddr, physAddr, type System } from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  etnavivV1,
  etnavivV2,
  gpuMmu,
  limaMmu,
  type MmuContext,
  type MmuFactory,
  maliMmu,
  type PrivateMmu,
  v3dMmu,
} from "../src/index.ts";
import { NaiveMmu } from "./naive-mmu.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 4096;
/** Where the pages are that the test maps: around a boundary of everything that is larger than a page. */
const AT = 0x8040_0000 - 32 * PAGE;
const PAGES = 64;

/** What is to be shown: that nothing goes wrong, and that what is forgotten is always named. */
interface Case {
  readonly name: string;
  readonly mmu: MmuFactory;
  /** Whether each process has an address space of its own. */
  readonly contexts?: boolean;
  readonly omits?: RegExp;
  /** Pages that cannot be mapped read-only. */
  readonly alwaysWritable?: boolean;
}

const cases: readonly Case[] = [
  { name: "etnaviv v1", mmu: etnavivV1(), contexts: false, alwaysWritable: true },
  { name: "etnaviv v2", mmu: etnavivV2() },
  { name: "etnaviv v2 with security", mmu: etnavivV2({ secure: true }) },
  { name: "v3d", mmu: v3dMmu(), contexts: false },
  { name: "mali with two address spaces", mmu: maliMmu({ slots: 2 }) },
  { name: "lima", mmu: limaMmu() },
  { name: "a large GPU with two VMIDs", mmu: gpuMmu({ vmids: 2 }) },
  {
    name: "etnaviv v1 without flushes",
    mmu: etnavivV1({ omits: ["GL_FLUSH_MMU"] }),
    contexts: false,
    alwaysWritable: true,
    omits: /^GL_FLUSH_MMU /,
  },
  {
    name: "etnaviv v2 without its configuration",
    mmu: etnavivV2({ omits: ["MMUv2_CONFIGURATION"] }),
    omits: /^MMUv2_CONFIGURATION /,
  },
  {
    name: "etnaviv v2 with security, not flushed",
    mmu: etnavivV2({ secure: true, omits: ["MMUv2_CONFIGURATION"] }),
    omits: /^MMUv2_CONFIGURATION /,
  },
  {
    name: "etnaviv v2 with security, not switched",
    mmu: etnavivV2({ secure: true, omits: ["MMUv2_PTA_CONFIG"] }),
    omits: /^MMUv2_PTA_CONFIG/,
  },
  {
    name: "v3d without a flush of the MMUC",
    mmu: v3dMmu({ omits: ["MMUC_CONTROL_FLUSH"] }),
    contexts: false,
    omits: /^MMUC_CONTROL.FLUSH/,
  },
  {
    name: "v3d without a clear of the TLB",
    mmu: v3dMmu({ omits: ["MMU_CTL_TLB_CLEAR"] }),
    contexts: false,
    omits: /^MMU_CTL.TLB_CLEAR$/,
  },
  {
    name: "mali without FLUSH_PT",
    mmu: maliMmu({ slots: 2, omits: ["AS_COMMAND_FLUSH_PT"] }),
    omits: /^AS_COMMAND_FLUSH_PT of/,
  },
  {
    name: "mali without FLUSH_MEM",
    mmu: maliMmu({ slots: 1, omits: ["AS_COMMAND_FLUSH_MEM"] }),
    omits: /^AS_COMMAND_FLUSH_MEM of/,
  },
  {
    name: "mali without UPDATE",
    mmu: maliMmu({ slots: 2, omits: ["AS_COMMAND_UPDATE"] }),
    omits: /^AS_COMMAND_UPDATE of/,
  },
  { name: "lima without a zap", mmu: limaMmu({ omits: ["ZAP_CACHE"] }), omits: /^ZAP_CACHE$/ },
  { name: "lima without a switch", mmu: limaMmu({ omits: ["DTE_ADDR"] }), omits: /^DTE_ADDR / },
  {
    name: "a large GPU without invalidation",
    mmu: gpuMmu({ vmids: 2, omits: ["VM_INVALIDATE_ENG_REQ"] }),
    omits: /^VM_INVALIDATE_ENG_REQ /,
  },
  {
    name: "a large GPU without a switch",
    mmu: gpuMmu({ vmids: 2, omits: ["VM_CONTEXT_PAGE_TABLE_BASE_ADDR"] }),
    omits: /^VM_CONTEXT\d_PAGE_TABLE_BASE_ADDR /,
  },
];

// Tables and bad pages lie where the test maps nothing.
const machine = board({
  model: "a GPU",
  memory: [{ base: 0x4000_0000, size: "1GiB" }],
  devices: { gpu: { class: "gpu", coherent: false } },
});
const boot = (): System => assemble(machine, [toyArch()]).boot();

const space = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) });
// Mostly a few pages, so that what a job has used is often changed and used again.
const page = fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(PAGES - 1) });
const count = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(16, 17, 32));
const step = fc.oneof(
  {
    weight: 4,
    // Now and then memory lies as the addresses do, so that large pages fit.
    arbitrary: fc.record({
      op: fc.constant("map" as const),
      space,
      page,
      count,
      bus: fc.option(fc.nat(500)),
      writable: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("unmap" as const), space, page, count }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("job" as const), space, page, write: fc.boolean() }) },
);

/** Does to an address space what its driver does. */
function change(
  mmu: PrivateMmu,
  context: MmuContext,
  address: number,
  size: number,
  does: () => number,
): number {
  const done = does();
  if (mmu.flushes === "at-once" && size > 0) {
    context.flush(dmaAddr(address), size);
    context.syncMap(dmaAddr(address), size);
  }
  return done;
}

describe.each(cases)("$name", ({ mmu: factory, contexts = true, omits, alwaysWritable = false }) => {
  test("answers every job as Maps of pages do, or says what was forgotten", () => {
    let wrong = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const system = boot();
        const mmu = factory(system, "gpu");
        const naive = new NaiveMmu();
        const spaces = [0, 1, 2].map(() => mmu.createContext());
        for (const _ of spaces) naive.add();
        for (const each of steps) {
          const number = contexts ? each.space : 0;
          const context = spaces[number] as MmuContext;
          const address = AT + each.page * PAGE;
          if (each.op === "map") {
            const writable = each.writable || alwaysWritable;
            const bus = each.bus === null ? 0x100_0000 + (address % 0x100_0000) : each.bus * PAGE;
            const prot = writable ? READ | WRITE : READ;
            const map = (): number => {
              context.map(dmaAddr(address), physAddr(bus), each.count * PAGE, prot);
              return 0;
            };
            if (naive.any(number, each.page, each.count)) expect(map).toThrow("-EEXIST");
            else {
              naive.map(number, each.page, each.count, bus, writable);
              change(mmu, context, address, each.count * PAGE, map);
            }
          } else if (each.op === "unmap") {
            const size = each.count * PAGE;
            const unmap = (): number => context.unmap(dmaAddr(address), size);
            const unmapped = change(mmu, context, address, size, unmap);
            expect(unmapped).toBe(naive.unmap(number, each.page, each.count) * PAGE);
          } else {
            mmu.switchTo(context);
            const {
              fault,
              address: to,
              missing,
            } = mmu.translation.translate(address + 5, each.write ? WRITE : READ);
            const expected = naive.at(number, each.page);
            const allowed = expected !== undefined && (!each.write || expected.writable);
            const right = (fault === null) === allowed && (!allowed || to === (expected?.bus as number) + 5);
            if (omits === undefined) expect([right, missing]).toEqual([true, null]);
            else if (!right) {
              wrong++;
              expect(missing).toMatch(omits);
            } else if (missing !== null) expect(missing).toMatch(omits);
          }
        }
      }),
      { seed: 20261120, numRuns: 60 },
    );
    if (omits !== undefined) expect(wrong).toBeGreaterThan(5);
  });
});
