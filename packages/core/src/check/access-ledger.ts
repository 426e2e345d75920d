// SPDX-License-Identifier: MIT
import { cpuAccess, deviceAccess } from "../dma/dma-trace.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { BufferMap } from "./buffer-map.ts";

/** The stage behind an access. */
export interface StageAccess {
  readonly stage: string;
  /** Null for the CPU. */
  readonly device: string | null;
  readonly frame: number;
}

/** What the ledger needs to know of a stage. */
export interface LedgerStage {
  readonly name: string;
  readonly device: string | null;
  readonly reads: string | null;
  readonly writes: string | null;
}

/**
 * Says of every access which stage and frame it belongs to, from events alone: a device's accesses of one kind to one
 * buffer come frame by frame, and so do those of a CPU stage's thread.
 */
export class AccessLedger {
  readonly #stages: readonly LedgerStage[];
  readonly #buffers: BufferMap;
  readonly #frames = new Map<string, number>();
  readonly #accesses = new Map<number, StageAccess>();

  constructor(stages: readonly LedgerStage[], buffers: BufferMap, trace: Trace) {
    this.#stages = stages;
    this.#buffers = buffers;
    trace.subscribe(deviceAccess, (event) => this.#note(event, event.text("device")));
    trace.subscribe(cpuAccess, (event) => this.#note(event, null));
  }

  /** The stage and frame of an access event, or undefined for an access of no stage (an exporter clears pages). */
  of(seq: number): StageAccess | undefined {
    return this.#accesses.get(seq);
  }

  #note(event: TraceEvent, device: string | null): void {
    const kind = event.text("kind");
    if (kind === "clear") return;
    const buffer = this.#buffers.find(event.get("address"))?.buffer;
    const stage = this.#stages.find(
      (each) =>
        each.device === device &&
        (kind === "read" ? each.reads : each.writes) === buffer &&
        (device !== null || each.name === event.timelineName),
    );
    if (stage === undefined) return;
    const key = `${stage.name} ${kind}`;
    const frame = this.#frames.get(key) ?? 0;
    this.#frames.set(key, frame + 1);
    this.#accesses.set(event.seq, { stage: stage.name, device: stage.device, frame });
  }
}
