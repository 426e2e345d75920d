// SPDX-License-Identifier: MIT
import { Extents } from "../memory/extents.ts";
import { IntervalMap } from "../memory/interval-map.ts";
import { lineCover } from "../memory/line-cover.ts";
import type { AccessKind, MaintenanceKind, Operation } from "./operation.ts";
import { OperationLog, operationLine } from "./operation-log.ts";
import { type DomainSpec, type RouteSpec, Topology } from "./topology.ts";
import { Flag, TransitionTable } from "./transition-table.ts";
import { findWitness, type WitnessStep } from "./witness.ts";

/** One step of a litmus program: an access by an agent, or raw maintenance of a domain. Ranges are half-open. */
export type LitmusStep =
  | { readonly agent: string; readonly op: AccessKind; readonly range: readonly [start: number, end: number] }
  | {
      readonly op: MaintenanceKind;
      readonly domain: string;
      readonly range: readonly [start: number, end: number];
    };

/** A program over one buffer: the smallest thing that has a coherency verdict. */
export interface LitmusProgram {
  readonly name: string;
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly agents: Readonly<Record<string, RouteSpec>>;
  /** Size in bytes; bytes past it in its last line are neighbours. */
  readonly buffer: { readonly size: number };
  readonly steps: readonly LitmusStep[];
  /** What the author expects; `runLitmus` does not look at it. */
  readonly expect?: { readonly stale?: readonly number[]; readonly lost?: number | null };
}

/** A hazard of a litmus program, shown for one byte. */
export interface LitmusHazard {
  readonly code: "stale-read" | "lost-write";
  /** Step that runs into it. */
  readonly step: number;
  /** Offset of the first byte that does. */
  readonly byte: number;
  /** Shortest sequence that realises it, worked out when asked for; it begins with memory fresh and nothing cached. */
  readonly witness: readonly WitnessStep[];
}

/** The verdict of a litmus program. */
export interface LitmusResult {
  readonly name: string;
  /** Steps whose read can be stale for bytes in range, ascending. */
  readonly stale: readonly number[];
  /** First step at which the newest value of some byte can be lost, or null. */
  readonly lost: number | null;
  readonly hazards: readonly LitmusHazard[];
}

/** The operation and ranges of each step of a program. */
export function litmusLog(program: LitmusProgram): { table: TransitionTable; log: OperationLog } {
  const topology = new Topology({ domains: program.domains, agents: program.agents });
  const table = new TransitionTable(topology);
  const log = new OperationLog();
  for (const step of program.steps) {
    const [start, end] = step.range;
    if (!(start >= 0 && end > start && end <= program.buffer.size)) {
      throw new TypeError(
        `range [${start}, ${end}) is not a part of the buffer of ${program.buffer.size} bytes`,
      );
    }
    const operation: Operation =
      "agent" in step
        ? table.operations.access(step.op, topology.agent(step.agent))
        : table.operations.maintenance(step.op, topology.domain(step.domain));
    log.append(operation, Extents.of(step.range), -1);
  }
  return { table, log };
}

/**
 * Runs a litmus program for every execution that hardware could choose.
 * Throws `TypeError` for an unknown agent or domain and for a range outside the buffer.
 */
export function runLitmus(program: LitmusProgram): LitmusResult {
  const { table, log } = litmusLog(program);
  const state = new IntervalMap(0, Math.ceil(program.buffer.size / 4096) * 4096, table.initial);
  const stale: number[] = [];
  const hazards: LitmusHazard[] = [];
  let lost: number | null = null;
  const found = (code: LitmusHazard["code"], step: number, byte: number): void => {
    hazards.push(new Hazard(table, log, code, step, byte));
  };
  for (let step = 0; step < log.length; step++) {
    const operation = log.operation(step);
    const cover = lineCover(log.extents(step), operationLine(operation));
    let staleByte = -1;
    let lostByte = -1;
    const perform = (pairs: Float64Array, neighbour: boolean): void => {
      const column = table.column(operation, neighbour);
      for (let i = 0; i < pairs.length; i += 2) {
        state.update(pairs[i] as number, pairs[i + 1] as number, (id, start) => {
          const flags = table.flags(id, column);
          if (flags & Flag.stale && staleByte < 0) staleByte = start;
          if (flags & Flag.lost && (lostByte < 0 || start < lostByte)) lostByte = start;
          return table.next(id, column);
        });
      }
    };
    perform(cover.inRange, false);
    perform(cover.neighbours, true);
    if (staleByte >= 0) {
      stale.push(step);
      found("stale-read", step, staleByte);
    }
    if (lostByte >= 0 && lost === null) {
      lost = step;
      found("lost-write", step, lostByte);
    }
  }
  return { name: program.name, stale, lost, hazards };
}

/** A hazard that works its witness out when it is asked for: programs can have more hazards than anybody reads. */
class Hazard implements LitmusHazard {
  readonly code: LitmusHazard["code"];
  readonly step: number;
  readonly byte: number;
  readonly #table: TransitionTable;
  readonly #log: OperationLog;
  #witness: readonly WitnessStep[] | undefined;

  constructor(
    table: TransitionTable,
    log: OperationLog,
    code: LitmusHazard["code"],
    step: number,
    byte: number,
  ) {
    this.#table = table;
    this.#log = log;
    this.code = code;
    this.step = step;
    this.byte = byte;
  }

  get witness(): readonly WitnessStep[] {
    const kind = this.code === "stale-read" ? "stale" : "lost";
    this.#witness ??= findWitness(this.#table, this.#log.touching(this.byte, this.step), { kind }) ?? [];
    return this.#witness;
  }
}
