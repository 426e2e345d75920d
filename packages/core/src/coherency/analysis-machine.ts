// SPDX-License-Identifier: MIT
import { physAddr } from "../address.ts";
import type { Extents } from "../memory/extents.ts";
import { IntervalMap } from "../memory/interval-map.ts";
import { lineCover } from "../memory/line-cover.ts";
import type { CopyKind } from "./bounce-slot.ts";
import type { Hazard } from "./hazard.ts";
import type { OperationTotal } from "./maintenance-cost.ts";
import type { MemoryMachine } from "./memory-machine.ts";
import type { AccessKind, MaintenanceKind, Operation } from "./operation.ts";
import { OperationLog, operationLine } from "./operation-log.ts";
import type { Domain, Route, Topology } from "./topology.ts";
import { Flag, type StateId, TransitionTable } from "./transition-table.ts";

/** Addresses of the model: everything a 52-bit physical address can name. */
const SPACE_END = 2 ** 52;

/**
 * Answers for every eviction, write-back and speculative fill that hardware could do: each byte's state is the set of
 * all states it can be in, kept as one small integer for each run of bytes. The cost of an operation depends on the
 * number of distinct runs that it touches, never on the number of cache lines.
 */
export class AnalysisMachine implements MemoryMachine {
  readonly topology: Topology;
  readonly table: TransitionTable;
  readonly log = new OperationLog();
  readonly #report: (hazard: Hazard) => void;
  readonly #state: IntervalMap;
  /** Step + 1 of the invalidate that may have dropped a byte's newest value; made at the first such invalidate. */
  #discarded: IntervalMap | null = null;
  #column = 0;
  #stale: number[] = [];
  #overwritten: number[] = [];
  #dropped: number[] = [];

  /** @param report is called for each hazard, at the operation that runs into it. */
  constructor(topology: Topology, report: (hazard: Hazard) => void = () => {}) {
    this.topology = topology;
    this.table = new TransitionTable(topology);
    this.#report = report;
    this.#state = new IntervalMap(0, SPACE_END, this.table.initial);
  }

  access(route: Route, kind: AccessKind, extents: Extents, cause = -1): void {
    this.#perform(this.table.operations.access(kind, route), extents, cause);
  }

  maintain(
    kind: MaintenanceKind,
    domain: Domain,
    extents: Extents,
    cause = -1,
    total: OperationTotal | null = null,
  ): void {
    if (total !== null) this.log.charge(this.log.length, total);
    this.#perform(this.table.operations.maintenance(kind, domain), extents, cause);
  }

  copy(kind: CopyKind, slot: Domain, extents: Extents, cause = -1): void {
    this.#perform(this.table.operations.copy(kind, slot), extents, cause);
  }

  /** The set of states that the byte can be in. */
  stateAt(address: number): StateId {
    return this.#state.at(address);
  }

  /** Visits the runs of equal state in [start, end), ascending. */
  forEachState(
    start: number,
    end: number,
    visit: (state: StateId, start: number, end: number) => void,
  ): void {
    this.#state.forEach(start, end, visit);
  }

  /** Number of runs of equal state in the whole address space. */
  get runCount(): number {
    return this.#state.runCount;
  }

  readonly #transition = (state: number, start: number, end: number): number => {
    const next = this.table.next(state, this.#column);
    const flags = this.table.flags(state, this.#column);
    if (flags & (Flag.stale | Flag.overwrites | Flag.discards)) this.#note(flags, start, end);
    return next;
  };

  #note(flags: number, start: number, end: number): void {
    if (flags & Flag.stale) this.#stale.push(start, end);
    if (flags & Flag.overwrites) this.#overwritten.push(start, end);
    if (flags & Flag.discards) this.#dropped.push(start, end);
  }

  #perform(operation: Operation, extents: Extents, cause: number): void {
    const step = this.log.append(operation, extents, cause);
    const cover = lineCover(extents, operationLine(operation));
    this.#apply(cover.inRange, this.table.column(operation, false));
    if (cover.neighbours.length > 0) this.#apply(cover.neighbours, this.table.column(operation, true));
    if (this.#discarded !== null && operation.kind === "write") this.#forgetDiscarded(cover.inRange);
    if (this.#stale.length > 0) {
      if (this.#discarded !== null) this.#blameDiscards(this.#stale, step);
      this.#stale = this.#emit("stale-read", step, null, this.#stale);
    }
    if (this.#overwritten.length > 0)
      this.#overwritten = this.#emit("lost-write", step, null, this.#overwritten);
    if (this.#dropped.length > 0) this.#rememberDiscarded(step);
  }

  #apply(pairs: Float64Array, column: number): void {
    this.#column = column;
    this.#state.updateEach(pairs, this.#transition);
  }

  #emit(code: Hazard["code"], step: number, readBy: number | null, pairs: number[]): number[] {
    const ranges = Float64Array.from(ascending(pairs));
    let bytes = 0;
    for (let i = 0; i < ranges.length; i += 2) bytes += (ranges[i + 1] as number) - (ranges[i] as number);
    this.#report({ code, step, readBy, address: physAddr(ranges[0] as number), ranges, bytes });
    return [];
  }

  #rememberDiscarded(step: number): void {
    this.#discarded ??= new IntervalMap(0, SPACE_END, 0);
    for (let i = 0; i < this.#dropped.length; i += 2) {
      this.#discarded.set(this.#dropped[i] as number, this.#dropped[i + 1] as number, step + 1);
    }
    this.#dropped = [];
  }

  #forgetDiscarded(pairs: Float64Array): void {
    this.#discarded?.updateEach(pairs, () => 0);
  }

  #blameDiscards(pairs: readonly number[], reader: number): void {
    const byStep = new Map<number, number[]>();
    for (let i = 0; i < pairs.length; i += 2) {
      this.#discarded?.forEach(pairs[i] as number, pairs[i + 1] as number, (step, start, end) => {
        if (step === 0) return;
        const ranges = byStep.get(step - 1);
        if (ranges === undefined) byStep.set(step - 1, [start, end]);
        else ranges.push(start, end);
      });
    }
    for (const [step, ranges] of byStep) this.#emit("discarded-data", step, reader, ranges);
  }
}

/** Pairs of start and end, ascending, neighbours that touch merged. */
function ascending(pairs: readonly number[]): number[] {
  const sorted: [number, number][] = [];
  for (let i = 0; i < pairs.length; i += 2) sorted.push([pairs[i] as number, pairs[i + 1] as number]);
  sorted.sort((a, b) => a[0] - b[0]);
  const flat: number[] = [];
  for (const [start, end] of sorted) {
    if (flat.at(-1) === start) flat[flat.length - 1] = end;
    else flat.push(start, end);
  }
  return flat;
}
