// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "../coherency/analysis-machine.ts";
import type { CopyKind } from "../coherency/bounce-slot.ts";
import { isCopy } from "../coherency/operation.ts";
import type { EventKind } from "../coherency/spontaneous-event.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { AccessLedger } from "./access-ledger.ts";
import type { BufferMap } from "./buffer-map.ts";
import { cacheName } from "./cache-name.ts";
import type { BecauseEvent } from "./finding.ts";

/** Third person and past tense of what an operation does. */
const verbs: Readonly<Record<string, readonly [now: string, then: string]>> = {
  read: ["reads", "read"],
  write: ["writes", "wrote"],
  clear: ["clears", "cleared"],
  clean: ["cleans", "cleaned"],
  invalidate: ["invalidates", "invalidated"],
  flush: ["flushes", "flushed"],
};

/** The same for bounce slots, with the bytes at the star and the slot behind. */
const copies: Readonly<Record<CopyKind, readonly [now: string, then: string]>> = {
  "copy-in": ["copies * into", "copied * into"],
  "copy-out": ["copies * back from", "copied * back from"],
  release: ["releases * in", "released * in"],
};

/** When a step is told of. */
export type Tense = "now" | "then";

/** What the CPU reaches memory through, by memory type. */
const ways: Readonly<Record<string, string>> = {
  WB: "its cache",
  WC: "a write-combining mapping",
  UC: "an uncached mapping",
};

const happenings: Readonly<Record<EventKind, string>> = {
  "write-back": "writes the dirty line back to memory, by itself",
  drop: "drops the clean line, by itself",
  fill: "fills the line from memory, speculatively",
};

/** The device that an event names, or null. */
export function deviceOf(event: TraceEvent): string | null {
  const field = event.point.fields.find(([name]) => name === "device" || name === "dev_name")?.[0];
  return field === undefined ? null : event.text(field);
}

/** Tells the steps of a run's log in words, from the events behind them. */
export class StepText {
  readonly #machine: AnalysisMachine;
  readonly #trace: Trace;
  readonly #ledger: AccessLedger;
  readonly #buffers: BufferMap;

  constructor(machine: AnalysisMachine, trace: Trace, ledger: AccessLedger, buffers: BufferMap) {
    this.#machine = machine;
    this.#trace = trace;
    this.#ledger = ledger;
    this.#buffers = buffers;
  }

  /** The step as a sentence without its end: `usb0 writes samples[0], frame 0`, or `usb0 wrote ...`. */
  step(step: number, tense: Tense = "now"): string {
    const { log } = this.#machine;
    const operation = log.operation(step);
    const { kind, route, domain } = operation;
    const what = this.#place(step);
    const verb = (of: string): string => verbs[of]?.[tense === "now" ? 0 : 1] ?? of;
    if (route === null) {
      const by = this.origin(step);
      return `the CPU ${verb(kind)} the lines of ${what} in ${cacheName(domain.name)}${by === null ? "" : `, for ${by}`}`;
    }
    if (isCopy(operation)) {
      const by = this.origin(step);
      const does = tense === "now" ? copies[operation.kind][0] : copies[operation.kind][1];
      return `the CPU ${does.replace("*", what)} ${operation.domain.name}${by === null ? "" : `, for ${by}`}`;
    }
    const event = this.#trace.at(log.cause(step));
    // The trace keeps the newest million events; what came before is known by its route alone.
    if (event === undefined) return `an agent ${verb(kind)} ${what} (${route.kind})`;
    if (event.point.name === "table_fetch")
      return `the table walker of ${event.text("iommu")} ${verb(kind)} the descriptors at ${event.text("address")}`;
    if (event.point.name === "table_write")
      return `the CPU ${verb(kind)} descriptors of ${event.text("iommu")} at ${event.text("address")}`;
    if (event.point.name === "dma_access") return `${event.text("device")} ${verb(kind)} ${what}`;
    if (event.text("kind") === "clear")
      return `the exporter ${verb("clear")} ${what} through the CPU's cache`;
    return `the CPU ${verb(kind)} ${what} through ${ways[event.text("type")] ?? "a mapping"}`;
  }

  /** What asked for the maintenance of a step: `dma_map_sg of usb0`; null when nothing is known. */
  origin(step: number): string | null {
    const asked = this.#trace.at(this.#trace.at(this.#machine.log.cause(step))?.cause ?? -1);
    if (asked === undefined || asked.point.system === "sched") return null;
    const device = deviceOf(asked);
    return device === null ? asked.point.name : `${asked.point.name} of ${device}`;
  }

  /** A spontaneous event as a sentence without its end. */
  happening(event: EventKind, domain: string): string {
    return `${cacheName(domain)} ${happenings[event]}`;
  }

  /** The step as an event of a chain of causes. */
  because(step: number): BecauseEvent {
    const event = this.#trace.at(this.#machine.log.cause(step));
    return {
      time: event?.time ?? 0,
      timeline: event?.timelineName ?? "",
      event: event === undefined ? "" : `${event.point.system}:${event.point.name}`,
      text: this.step(step),
    };
  }

  #place(step: number): string {
    const extents = this.#machine.log.extents(step);
    const place = this.#buffers.find(extents.addressAt(0));
    if (place === null) return `0x${extents.addressAt(0).toString(16)}`;
    const frame = this.#ledger.of(this.#machine.log.cause(step))?.frame;
    return `${place.buffer}[${place.index}]${frame === undefined ? "" : `, frame ${frame}`}`;
  }
}
