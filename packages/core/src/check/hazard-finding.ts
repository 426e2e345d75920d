// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "../coherency/analysis-machine.ts";
import { type ByteState, Copy, copyOf, initialByteState, isLost, isStale } from "../coherency/byte-state.ts";
import type { Hazard } from "../coherency/hazard.ts";
import type { Touch } from "../coherency/operation-log.ts";
import type { RequiredMaintenance } from "../coherency/required-maintenance.ts";
import type { Domain } from "../coherency/topology.ts";
import { findWitness, stateAlong, type WitnessStep } from "../coherency/witness.ts";
import type { Trace } from "../sim/trace.ts";
import type { AccessLedger } from "./access-ledger.ts";
import type { BufferMap } from "./buffer-map.ts";
import { cacheName, placeName } from "./cache-name.ts";
import { type Finding, type FindingCode, finding, type OtherParty } from "./finding.ts";
import type { StepText } from "./step-text.ts";

/** What findings about hazards are told from. */
export interface HazardContext {
  readonly machine: AnalysisMachine;
  readonly trace: Trace;
  readonly ledger: AccessLedger;
  readonly buffers: BufferMap;
  readonly text: StepText;
  readonly required: RequiredMaintenance;
  /** What drains write-combining buffers, as messages name it. */
  readonly writeBarrier: string;
}

/** Turns the hazards of a run into findings: equal ones become one, and only that one is explained. */
export function hazardFindings(
  hazards: readonly (Hazard & { time: number })[],
  context: HazardContext,
): Finding[] {
  const first = new Map<string, { hazard: Hazard & { time: number }; count: number }>();
  for (const hazard of hazards) {
    const place = context.buffers.find(hazard.address);
    const access = accessOf(hazard.readBy ?? hazard.step, context);
    const range = context.buffers.rangeOf(hazard.ranges);
    const key = JSON.stringify([hazard.code, access?.stage, access?.device, place?.buffer, range]);
    const known = first.get(key);
    if (known === undefined) first.set(key, { hazard, count: 1 });
    else known.count++;
  }
  return [...first.values()].map(({ hazard, count }) => explain(hazard, count, context));
}

function accessOf(step: number, { machine, ledger }: HazardContext) {
  return ledger.of(machine.log.cause(step));
}

function explain(hazard: Hazard & { time: number }, count: number, context: HazardContext): Finding {
  const { machine, buffers, text } = context;
  const last = hazard.readBy ?? hazard.step;
  const touches = machine.log.touching(hazard.address, last);
  const goal =
    hazard.code === "lost-write"
      ? ({ kind: "lost" } as const)
      : hazard.readBy === null
        ? ({ kind: "stale" } as const)
        : ({ kind: "stale", discardedAt: hazard.step } as const);
  const witness = findWitness(machine.table, touches, goal);
  const newest = newestWrite(touches, hazard, context);
  const access = accessOf(last, context);
  const place = buffers.find(hazard.address);
  const code = codeOf(hazard, newest, context);
  const shown = new Set(witness?.flatMap((step) => (step.kind === "operation" ? [step.step] : [])));
  const from = newest === null ? -1 : (writeBefore(touches, newest, context) ?? -1);
  const because = touches
    .filter(({ step }) => shown.has(step) || step >= from)
    .map(({ step }) => text.because(step));
  return finding(code, messageOf(code, hazard, newest, witness, touches, context), {
    stage: access?.stage ?? null,
    device: access?.device ?? deviceOf(last, context),
    buffer: place?.buffer ?? null,
    range: buffers.rangeOf(hazard.ranges),
    frame: access?.frame ?? null,
    time: hazard.time,
    count,
    other: newest === null || newest === last ? null : partyOf(newest, context),
    because,
    witness:
      witness?.map((step) => ({
        kind: step.kind,
        text: step.kind === "operation" ? text.step(step.step) : text.happening(step.event, step.domain),
      })) ?? null,
    fix: fixesOf(hazard, newest, context),
  });
}

/** The step that wrote the value which is then not seen, or null when it was there from the beginning. */
function newestWrite(touches: readonly Touch[], hazard: Hazard, { machine }: HazardContext): number | null {
  for (let i = touches.length - 1; i >= 0; i--) {
    const { step, column } = touches[i] as Touch;
    if (hazard.code === "discarded-data" && step >= hazard.step) continue;
    if (column % 2 === 0 && machine.log.operation(step).kind === "write") return step;
  }
  return null;
}

/** The write whose value is seen instead: the last one before `step`. */
function writeBefore(touches: readonly Touch[], step: number, { machine }: HazardContext): number | null {
  const earlier = touches.findLast(
    (touch) =>
      touch.step < step && touch.column % 2 === 0 && machine.log.operation(touch.step).kind === "write",
  );
  return earlier?.step ?? null;
}

function codeOf(hazard: Hazard, newest: number | null, { machine, trace }: HazardContext): FindingCode {
  if (hazard.code !== "discarded-data") return hazard.code;
  const writer = newest === null ? undefined : trace.at(machine.log.cause(newest));
  const cleared = writer?.point.name === "cpu_access" && writer.text("kind") === "clear";
  return cleared ? "uninitialised-export" : "lost-write";
}

function deviceOf(step: number, { machine, trace }: HazardContext): string | null {
  const event = trace.at(machine.log.cause(step));
  return event?.point.name === "dma_access" ? event.text("device") : null;
}

function partyOf(step: number, context: HazardContext): OtherParty {
  const access = accessOf(step, context);
  const time = context.trace.at(context.machine.log.cause(step))?.time ?? 0;
  return { stage: access?.stage ?? null, device: access?.device ?? deviceOf(step, context), time };
}

function messageOf(
  code: FindingCode,
  hazard: Hazard,
  newest: number | null,
  witness: readonly WitnessStep[] | null,
  touches: readonly Touch[],
  context: HazardContext,
): string {
  const { text, machine } = context;
  const reader = text.step(hazard.readBy ?? hazard.step);
  if (code === "uninitialised-export") {
    return `${reader} and can see what was there before the exporter cleared it, because ${text.step(hazard.step, "then")}`;
  }
  const written = newest === null ? "the memory was handed out" : text.step(newest, "then");
  if (hazard.code === "discarded-data")
    return `${reader}, but ${text.step(hazard.step, "then")} after ${written}`;
  if (code === "lost-write") {
    const holder = cacheName(staleHolder(witness, touches, context));
    return `${reader}, and a dirty line from before in ${holder} can be written back over it`;
  }
  const { domain } = machine.log.operation(hazard.step);
  const observed = stateBefore(witness, touches, context);
  const reason = observed === null ? "" : `: ${reasonOf(observed, domain, context)}`;
  return `${reader} and can see what was there before ${written}${reason}`;
}

function reasonOf(state: ByteState, domain: Domain | null, { machine }: HazardContext): string {
  const { domains } = machine.topology;
  let seen = domain;
  while (seen !== null && copyOf(state, seen) === Copy.absent) seen = seen.behind;
  if (seen !== null && isStale(copyOf(state, seen)))
    return `an old ${seen.bounce === null ? "line" : "copy"} is still in ${placeName(seen)}`;
  if (isLost(state, domains)) return "the new data is gone, overwritten by an old line that was written back";
  const holder = domains.find((each) => copyOf(state, each) === Copy.dirtyFresh);
  return holder === undefined ? "memory is old" : `the new data is still in ${placeName(holder)}`;
}

/** The byte's state on the witness's path just before its last operation. */
function stateBefore(
  witness: readonly WitnessStep[] | null,
  touches: readonly Touch[],
  { machine }: HazardContext,
): ByteState | null {
  if (witness === null) return null;
  const lastOperation = witness.findLastIndex((step) => step.kind === "operation");
  return stateAlong(machine.table, touches, witness.slice(0, lastOperation));
}

/** The domain whose stale line is written back on the witness's path. */
function staleHolder(
  witness: readonly WitnessStep[] | null,
  touches: readonly Touch[],
  context: HazardContext,
): string {
  const event = witness?.findLast((step) => step.kind === "event" && step.event === "write-back");
  if (event?.kind === "event") return event.domain;
  const state = stateBefore(witness, touches, context) ?? initialByteState;
  const { domains } = context.machine.topology;
  return domains.find((domain) => copyOf(state, domain) === Copy.dirtyStale)?.name ?? domains[0]?.name ?? "a";
}

function fixesOf(hazard: Hazard, newest: number | null, { required, text }: HazardContext): string[] {
  const last = hazard.readBy ?? hazard.step;
  const first = hazard.code === "stale-read" ? (newest ?? -1) + 1 : hazard.step;
  const owed = required.placements.filter(({ before }) => before >= first && before <= last);
  return owed.map(
    ({ kind, domain, before }) => `${kind} the lines in ${placeName(domain)} before ${text.step(before)}`,
  );
}
