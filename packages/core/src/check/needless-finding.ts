// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "../coherency/analysis-machine.ts";
import type { MaintenanceCost } from "../coherency/maintenance-cost.ts";
import { maintenanceOf, needlessMaintenance } from "../coherency/performed-maintenance.ts";
import type { Trace } from "../sim/trace.ts";
import type { BufferMap } from "./buffer-map.ts";
import { type Finding, finding } from "./finding.ts";
import { deviceOf, type StepText } from "./step-text.ts";

/** Maintenance that changes no verdict, one note for each reason it was done. */
export function needlessFindings(
  machine: AnalysisMachine,
  cost: MaintenanceCost,
  trace: Trace,
  buffers: BufferMap,
  text: StepText,
): Finding[] {
  interface Group {
    readonly first: number;
    readonly kind: string;
    readonly origin: string | null;
    readonly buffer: string | null;
    count: number;
    bytes: number;
    ns: number;
  }
  const groups = new Map<string, Group>();
  for (const step of needlessMaintenance(machine.table, machine.log)) {
    const { kind } = machine.log.operation(step);
    const origin = text.origin(step);
    const buffer = buffers.find(machine.log.extents(step).addressAt(0))?.buffer ?? null;
    const key = JSON.stringify([kind, origin, buffer]);
    const group = groups.get(key) ?? { first: step, kind, origin, buffer, count: 0, bytes: 0, ns: 0 };
    const { bytes, cost: ns } = maintenanceOf(machine.log, step, cost);
    groups.set(key, { ...group, count: group.count + 1, bytes: group.bytes + bytes, ns: group.ns + ns });
  }
  return [...groups.values()].map(({ first, kind, origin, buffer, count, bytes, ns }) => {
    const event = trace.at(machine.log.cause(first));
    const asked = trace.at(event?.cause ?? -1);
    const by = origin === null ? "" : ` by ${origin}`;
    return finding(
      "needless-maintenance",
      `${kind}${by} changes nothing: ${bytes} bytes, ${Math.round(ns)} ns`,
      {
        device: asked === undefined ? null : deviceOf(asked),
        buffer,
        time: event?.time ?? 0,
        count,
        fix: ["leave it out; if two do the same work, leave out one of them"],
      },
    );
  });
}
