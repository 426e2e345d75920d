// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { DmaBuf, System } from "../../../src/index.ts";
import { type Process, Workqueue } from "../../../src/sim.ts";
import { beginSignalling, DmaFence, endSignalling } from "../../../src/sync.ts";
import { acquisition } from "../../platform/acquisition.ts";

// What made begin and end of access different from map and unmap in the discussion of 2024 (D41): the completion of a
// transfer has to give the memory back before it signals, and unmap takes the reservation lock.

type Completion = "unmap, then signal" | "signal, then unmap" | "end access, then signal";

const platform = acquisition();

/** Receives through a device that does not snoop; `use` is somebody else's part. */
function* receive(
  system: System,
  how: Completion,
  use: (buffer: DmaBuf, fence: DmaFence) => Process,
): Process {
  const { simulation, dma, dmaBuf } = system;
  using buffer = yield* system.exporter("syncing").allocate(4096);
  const attachment = yield* buffer.attach(system.device("direct"));
  const mapping = yield* attachment.mapUnlocked("from-device");
  const irq = new Workqueue(simulation, "irq thread");
  const ring = { driverName: "direct", timelineName: "ring 0" };
  const fence = DmaFence.init(dmaBuf.fences, ring, dmaBuf.fences.contextAlloc(), 1);
  const complete = function* (): Process {
    const cookie = beginSignalling(simulation);
    if (how === "unmap, then signal") yield* attachment.unmapUnlocked(mapping);
    if (how === "end access, then signal") dma.syncSgtableForCpu(mapping);
    fence.signal();
    endSignalling(simulation, cookie);
    if (how !== "signal, then unmap") return;
    yield 10_000;
    yield* attachment.unmapUnlocked(mapping);
  };
  yield* buffer.resv.lock();
  buffer.resv.reserveFences(1);
  buffer.resv.addFence(fence, "write");
  buffer.resv.unlock();
  attachment.transfer(mapping, "write", 0, buffer.size, () => irq.queue(complete));
  yield* use(buffer, fence);
  yield 100_000;
  fence.put();
  if (how === "end access, then signal") yield* attachment.unmapUnlocked(mapping);
  yield* attachment.detach();
}

const found = (how: Completion, use: (system: System, buffer: DmaBuf, fence: DmaFence) => Process) =>
  platform
    .inspect((system: System) => receive(system, how, (buffer, fence) => use(system, buffer, fence)))
    .findings.filter(({ severity }) => severity === "error");

/** Another device's driver, by the recipe of every importer: it waits for fences with the reservation held. */
function* play(system: System, buffer: DmaBuf): Process {
  const dac = yield* system.importer("snoop").attach(buffer, "to-device");
  const played = yield* dac.transfer("read");
  yield* played.wait();
  played.put();
  yield* dac.detach();
}

/** A program that polls first and holds nothing meanwhile. */
function* poll(_system: System, _buffer: DmaBuf, fence: DmaFence): Process {
  yield* fence.wait();
}

const because = (finding: { because: readonly { timeline: string; text: string }[] } | undefined) =>
  finding?.because.map(({ timeline, text }) => `${timeline}: ${text}`);

describe("unmap before the signal", () => {
  test("is found in a run that came through, because a waiter may hold the reservation (F-31)", () => {
    const errors = found("unmap, then signal", poll);
    expect(errors.map(({ code }) => code)).toEqual(["lock-in-fence-critical-section"]);
    expect(errors[0]).toMatchObject({
      stage: "irq thread",
      message:
        "takes the reservation lock of dma-buf 1 while a published fence waits for its signal; elsewhere the order is reservation lock, then fence wait (F-31)",
    });
  });

  test("with a waiter that does, both stacks are told, and it is the deadlock", () => {
    const errors = found("unmap, then signal", play);
    expect(errors.map(({ code }) => code)).toEqual([
      "deadlock",
      "lock-in-fence-critical-section",
      "fence-never-signals",
    ]);
    expect(errors[0]?.message).toMatch(/main waits for fence direct ring 0 seq 1 unsignalled, since \d+ ns/);
    expect(because(errors[1])).toEqual([
      "irq thread: begins to signal a published fence",
      "irq thread: takes the reservation lock of dma-buf 1",
      "main: takes the reservation lock of dma-buf 1",
      "main: waits for a fence",
    ]);
    expect(because(errors[2])?.at(0)).toContain("is published as a write fence");
  });
});

test("unmap after the signal is allowed there, and too late: who waited reads what was there before", () => {
  const errors = found("signal, then unmap", play);
  expect(errors.map(({ code }) => code)).toContain("stale-read");
  expect(errors.map(({ code }) => code)).not.toContain("lock-in-fence-critical-section");
});

test.each([
  ["a waiter that holds the reservation", play],
  ["one that holds nothing", poll],
])("end of access before the signal is clean, with %s", (_who, use) => {
  expect(found("end access, then signal", use)).toEqual([]);
});
