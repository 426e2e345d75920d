// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { expect, test } from "vitest";
import { findTracepoint, type Process, Simulation, type TraceEvent } from "../../src/sim.ts";
import { DmaFence, FencePool } from "../../src/sync.ts";

const samples = env["DMABUF_SAMPLES"];
const formats = samples === undefined ? "" : join(samples, "traces", "formats", "6.12.117");

test("the life of a fence is written as the kernel writes it, and the waiter's events follow from the signal", () => {
  const simulation = new Simulation();
  simulation.trace.record();
  const pool = new FencePool(simulation);
  const ops = { driverName: "usb0", timelineName: "ep1in", enableSignaling: () => true };
  const fence = DmaFence.init(pool, ops, pool.contextAlloc(1), 3);
  const waiter = function* (): Process {
    yield* fence.wait();
    fence.put();
  };
  simulation.spawn("app", waiter());
  simulation.timer(() => fence.signal()).arm(50);
  simulation.run();
  const events = [...simulation.trace.events()].filter(({ point }) => point.system === "dma_fence");
  const cause = (event: TraceEvent) => simulation.trace.at(event.cause)?.point.name ?? "nothing";
  expect(
    events.map((event) => `${event.time} ${event.timelineName} ${event.point.name} <- ${cause(event)}`),
  ).toEqual([
    "0 setup dma_fence_init <- nothing",
    "0 app dma_fence_enable_signal <- dma_fence_init",
    "0 app dma_fence_wait_start <- dma_fence_init",
    "50 timer dma_fence_signaled <- dma_fence_init",
    "50 app dma_fence_wait_end <- dma_fence_signaled",
    "50 app dma_fence_destroy <- dma_fence_signaled",
  ]);
  expect(String(events[3])).toBe("dma_fence_signaled: driver=usb0 timeline=ep1in context=1 seqno=3");
});

test("a wait for a signaled fence is written too, and a fence without the operation is not enabled", () => {
  const simulation = new Simulation();
  const pool = new FencePool(simulation);
  const names: string[] = [];
  simulation.trace.subscribe("*", (event: TraceEvent) => names.push(event.point.name));
  const fence = DmaFence.init(pool, { driverName: "d", timelineName: "t" }, 1, 1);
  fence.enableSignaling();
  fence.signal();
  simulation.complete("main", fence.wait());
  expect(names).toEqual([
    "dma_fence_init",
    "dma_fence_signaled",
    // That somebody may wait here is said even of a signaled fence (F-15).
    "lock_map_acquire",
    "dma_fence_wait_start",
    "dma_fence_wait_end",
  ]);
});

test("every dma_fence event has the fields of the recorded format file", ({ skip }) => {
  if (!existsSync(formats)) skip("DMABUF_SAMPLES is not set to a folder with traces/formats");
  let compared = 0;
  for (const file of readdirSync(formats).filter((name) => name.startsWith("dma_fence."))) {
    const text = readFileSync(join(formats, file), "utf8");
    const name = /^name: (\S+)$/m.exec(text)?.[1];
    // No driver of the model emits the software-queue event.
    if (name === "dma_fence_emit") continue;
    const fields = [...text.matchAll(/field:.*?(\w+);/g)].map((match) => match[1] as string);
    const own = fields.filter((field) => !field.startsWith("common_"));
    const point = findTracepoint(`dma_fence:${name}`);
    expect([name, point?.fields.map(([field]) => field)]).toEqual([name, own]);
    compared++;
  }
  expect(compared).toBe(6);
});
