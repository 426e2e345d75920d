// SPDX-License-Identifier: MIT
import { dmaBufDynamicAttach, dmaBufExport } from "../buffer/buffer-trace.ts";
import type { DmaBufCore } from "../buffer/dma-buf-core.ts";
import type { DmaApi } from "../dma/dma-api.ts";
import { dmaMapSg } from "../dma/dma-trace.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { BlockedTask, BusyTask } from "../sim/simulation-report.ts";
import type { TraceEvent } from "../sim/trace.ts";
import type { Tracepoint } from "../sim/tracepoint.ts";
import { type Finding, finding } from "./finding.ts";

/** What the kernel would have complained about: its WARNs and BUGs. */
export function diagnosticFindings(simulation: Simulation): Finding[] {
  return simulation.diagnostics.entries.map(({ rule, operation, text, time, timeline, count }) => {
    const code = rule === "B-16" ? "attachment-outlives-buffer" : rule === "B-28" ? "leak" : "dma-api-misuse";
    return finding(code, `${operation}: ${text} (${rule})`, { stage: timeline, time, count });
  });
}

/** Tasks that can never go on: who waits for what. */
export function deadlockFindings(blocked: readonly BlockedTask[]): Finding[] {
  if (blocked.length === 0) return [];
  const sentences = blocked.map(({ task, waitsFor, heldBy, since }) => {
    const holder = heldBy === null ? "" : `, which ${heldBy} holds`;
    return `${task} waits for ${waitsFor}${holder}, since ${since} ns`;
  });
  const first = blocked[0] as BlockedTask;
  return [finding("deadlock", sentences.join("; "), { stage: first.task, time: first.since })];
}

/** Tasks that run and run, and nothing comes of it: each waits for something that it keeps another one from doing. */
export function livelockFindings(busy: readonly BusyTask[] | null, time: number): Finding[] {
  if (busy === null) return [];
  const sentences = busy.map(({ task, steps }) => `${task} ran ${steps} times`);
  const message = `livelock: nothing happens any more, but ${sentences.join(", ")}`;
  const fix = ["wait for the event (a fence, a wait queue, a lock) instead of asking again and again"];
  return [finding("deadlock", message, { stage: busy[0]?.task ?? null, time, fix })];
}

/** What nobody gave back, each with where it was taken. */
export function leakFindings(dmaBuf: DmaBufCore, dma: DmaApi, { trace, now }: Simulation): Finding[] {
  const taken = (point: Tracepoint, field: string, id: number): TraceEvent | undefined => {
    for (const event of trace.events()) if (event.point === point && event.get(field) === id) return event;
    return undefined;
  };
  const found: Finding[] = [];
  const leak = (message: string, device: string | null, origin: TraceEvent | undefined): void => {
    const where = origin === undefined ? "" : `; taken by ${origin.timelineName} at ${origin.time} ns`;
    found.push(
      finding("leak", `${message}${where}`, { device, stage: origin?.timelineName ?? null, time: now }),
    );
  };
  for (const buffer of dmaBuf.buffers) {
    const what = `${buffer.exporterName} buffer ${buffer.ino} of ${buffer.size} bytes`;
    const exported = taken(dmaBufExport, "ino", buffer.ino);
    leak(`${what} still has ${buffer.references} references`, null, exported);
    for (const { device, id } of buffer.attachments) {
      leak(
        `${what} is still attached to ${device.name}`,
        device.name,
        taken(dmaBufDynamicAttach, "attach", id),
      );
    }
  }
  const mapped = new Map<string, number>();
  for (const { device } of dma.live) mapped.set(device.name, (mapped.get(device.name) ?? 0) + 1);
  for (const [device, count] of mapped) {
    const last = [...trace.events()].findLast(
      (event) => event.point === dmaMapSg && event.text("device") === device,
    );
    leak(`${device} still has ${count} DMA mapping${count === 1 ? "" : "s"}`, device, last);
  }
  return found;
}
