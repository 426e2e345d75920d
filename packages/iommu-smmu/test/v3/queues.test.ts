// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { CircularQueue } from "../../src/v3/circular-queue.ts";
import { encodeCommand } from "../../src/v3/command.ts";
import { BareMetal } from "./bare-metal.ts";

const PAGE = 0x1000;

describe("a queue (3.5.1)", () => {
  test("counts with a bit above the index: full and empty differ in that alone", () => {
    const queue = new CircularQueue(4, 1);
    expect([queue.prod, queue.cons]).toEqual([0, 0]);
    for (let i = 0; i < 4; i++) expect(queue.push(new Uint32Array([i]))).toBe(true);
    expect([queue.prod, queue.cons, queue.isFull]).toEqual([4, 0, true]);
    expect(queue.push(new Uint32Array([9]))).toBe(false);
    for (let i = 0; i < 4; i++) expect(queue.pop()).toEqual(new Uint32Array([i]));
    expect([queue.prod, queue.cons, queue.pop()]).toEqual([4, 4, null]);
    for (let i = 0; i < 4; i++) queue.push(new Uint32Array([i]));
    expect([queue.prod, queue.cons]).toEqual([0, 4]);
  });

  test("toggles OVFLG once until the consumer has acknowledged it", () => {
    const queue = new CircularQueue(1, 1);
    queue.overflow();
    queue.overflow();
    expect(queue.prod).toBe(2 ** 31);
    queue.acknowledge();
    expect(queue.cons).toBe(2 ** 31);
    queue.overflow();
    expect([queue.prod, queue.hasOverflown]).toEqual([0, true]);
  });

  test("has a power of two of entries, at most 2^19", () => {
    expect(() => new CircularQueue(3, 1)).toThrow("not 3");
    expect(() => new CircularQueue(2 ** 20, 1)).toThrow(TypeError);
  });
});

describe("the command queue (4.8, 7.1)", () => {
  test("moves CONS behind PROD", () => {
    const smmu = new BareMetal();
    smmu.send({ op: "CMD_SYNC" }, { op: "CMD_SYNC" });
    expect([smmu.hardware.commands.prod, smmu.hardware.commands.cons]).toEqual([2, 2]);
  });

  test("is full when nobody consumes, and consumed when it is switched on", () => {
    const smmu = new BareMetal({}, { commandQueue: 2 });
    const { commands } = smmu.hardware;
    commands.enabled = false;
    expect([0, 1, 2].map(() => commands.push({ op: "CMD_SYNC" }))).toEqual([true, true, false]);
    expect(commands.cons).toBe(0);
    commands.enabled = true;
    commands.consume();
    expect(commands.cons).toBe(2);
  });

  test("stops at an opcode that is reserved with CERROR_ILL, and goes on when that is replaced", () => {
    const smmu = new BareMetal();
    const { commands } = smmu.hardware;
    smmu.send({ op: "CMD_SYNC" });
    commands.pushWords(new Uint32Array([0xee, 0, 0, 0]));
    smmu.send({ op: "CMD_SYNC" });
    expect([commands.error, commands.cons]).toEqual([1, 2 ** 24 + 1]);
    commands.acknowledge();
    expect(commands.error).toBe(1);
    commands.replace({ op: "CMD_SYNC" });
    commands.acknowledge();
    expect([commands.error, commands.cons]).toEqual([0, 3]);
  });

  test.each([
    ["stage 2", { stage2: false }, { op: "CMD_TLBI_S2_IPA" }],
    ["stage 2", { stage2: false }, { op: "CMD_TLBI_S12_VMALL" }],
    ["stage 1", { stage1: false }, { op: "CMD_TLBI_NH_ASID" }],
    ["ATS", { ats: false }, { op: "CMD_ATC_INV" }],
    ["ATS", { ats: false }, { op: "CMD_PRI_RESP" }],
    ["ranges", { rangeInvalidation: false }, { op: "CMD_TLBI_NH_VA", TG: 1 }],
    ["a reserved CS", {}, { op: "CMD_SYNC", CS: 3 }],
  ] as const)("finds a command that needs %s illegal where there is none", (_what, features, command) => {
    const smmu = new BareMetal(features);
    smmu.hardware.commands.pushWords(encodeCommand(command));
    expect(smmu.hardware.commands.error).toBe(1);
  });

  test("consumes a prefetch, which does nothing that can be seen", () => {
    const smmu = new BareMetal();
    smmu.send({ op: "CMD_PREFETCH_CONFIG", StreamID: 1 }, { op: "CMD_PREFETCH_ADDR", StreamID: 1 });
    expect([smmu.hardware.commands.error, smmu.hardware.commands.cons]).toEqual([0, 2]);
  });

  test("stops with CERROR_ABT when it cannot be read", () => {
    const smmu = new BareMetal();
    smmu.hardware.commandQueueBase = 0x40;
    smmu.send({ op: "CMD_SYNC" });
    expect([smmu.hardware.commands.error, smmu.hardware.commands.cons % 2 ** 24]).toEqual([2, 0]);
  });
});

describe("the event queue (7.2, 7.4)", () => {
  test("loses what does not fit, toggles OVFLG, and records again when there is room (M-53)", () => {
    const smmu = new BareMetal({}, { eventQueue: 2 });
    smmu.ste(1, { V: 0 });
    for (let i = 0; i < 5; i++) smmu.reach(PAGE);
    const { events } = smmu.hardware;
    expect([events.length, events.hasOverflown, events.prod]).toEqual([2, true, 2 ** 31 + 2]);
    expect(smmu.names()).toEqual(["C_BAD_STE", "C_BAD_STE"]);
    smmu.reach(PAGE);
    expect(events.prod).toBe(2 ** 31 + 3);
    events.acknowledge();
    expect([events.hasOverflown, events.cons]).toEqual([false, 2 ** 31 + 2]);
  });

  test("records nothing while it is off, and toggles nothing", () => {
    const smmu = new BareMetal();
    smmu.hardware.events.enabled = false;
    smmu.reach(PAGE);
    expect([smmu.hardware.events.length, smmu.hardware.events.prod]).toEqual([0, 0]);
  });

  test("interrupts when it was empty", () => {
    const smmu = new BareMetal();
    let interrupts = 0;
    smmu.hardware.events.onRecord = () => interrupts++;
    smmu.reach(PAGE);
    smmu.reach(PAGE);
    expect(interrupts).toBe(1);
  });
});
