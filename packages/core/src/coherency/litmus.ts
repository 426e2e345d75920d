// SPDX-License-Identifier: MIT
import { Extents } from "../memory/extents.ts";
import { IntervalMap } from "../memory/interval-map.ts";
import { lineCover } from "../memory/line-cover.ts";
import { orderProblem } from "./litmus-order.ts";
import type { TimedLitmusProgram } from "./litmus-program.ts";
import { type LitmusRace, litmusRaces, type RangedOperation } from "./litmus-race.ts";
import type { Operation } from "./operation.ts";
import { OperationLog, operationLine } from "./operation-log.ts";
import { Topology } from "./topology.ts";
import { Flag, TransitionTable } from "./transition-table.ts";
import { findWitness, type WitnessStep } from "./witness.ts";

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
  /** Pairs of steps that conflict and that nothing orders, ascending; a program without timelines has none. */
  readonly races: readonly LitmusRace[];
}

/** A program as the engine runs it. */
export interface LitmusLog {
  readonly table: TransitionTable;
  /** What the steps do to memory; signals and waits are not in it. */
  readonly log: OperationLog;
  /** For each entry of the log, the step of the program. */
  readonly steps: readonly number[];
  /** For each step of the program, what it does; undefined for a signal and a wait. */
  readonly operations: readonly (RangedOperation | undefined)[];
}

/** The operation and ranges of each step of a program. Throws as {@link runLitmus}. */
export function litmusLog(program: TimedLitmusProgram): LitmusLog {
  const problem = orderProblem(program);
  if (problem !== null) throw new TypeError(`${problem.path.join(".")}: ${problem.reason}`);
  const topology = new Topology({ domains: program.domains, agents: program.agents });
  const table = new TransitionTable(topology);
  const log = new OperationLog();
  const steps: number[] = [];
  const operations: (RangedOperation | undefined)[] = program.steps.map((step, index) => {
    if (!("range" in step)) return undefined;
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
    steps.push(index);
    log.append(operation, Extents.of(step.range), -1);
    return { operation, start, end };
  });
  return { table, log, steps, operations };
}

/**
 * Runs a litmus program for every execution that hardware could choose, in the order in which its steps are written;
 * of a program with timelines, `races` says whether another order could matter.
 * Throws `TypeError` for an unknown agent or domain, for a range outside the buffer and for timelines or fences
 * without an order.
 */
export function runLitmus(program: TimedLitmusProgram): LitmusResult {
  const { table, log, steps, operations } = litmusLog(program);
  const state = new IntervalMap(0, Math.ceil(program.buffer.size / 4096) * 4096, table.initial);
  const stale: number[] = [];
  const hazards: LitmusHazard[] = [];
  let lost: number | null = null;
  const found = (code: LitmusHazard["code"], entry: number, byte: number): void => {
    hazards.push(new Hazard(table, log, steps, code, entry, byte));
  };
  for (let entry = 0; entry < log.length; entry++) {
    const step = steps[entry] as number;
    const operation = log.operation(entry);
    const cover = lineCover(log.extents(entry), operationLine(operation));
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
      found("stale-read", entry, staleByte);
    }
    if (lostByte >= 0 && lost === null) {
      lost = step;
      found("lost-write", entry, lostByte);
    }
  }
  return { name: program.name, stale, lost, hazards, races: litmusRaces(program, operations) };
}

/** A hazard that works its witness out when it is asked for: programs can have more hazards than anybody reads. */
class Hazard implements LitmusHazard {
  readonly code: LitmusHazard["code"];
  readonly step: number;
  readonly byte: number;
  readonly #table: TransitionTable;
  readonly #log: OperationLog;
  readonly #steps: readonly number[];
  readonly #entry: number;
  #witness: readonly WitnessStep[] | undefined;

  constructor(
    table: TransitionTable,
    log: OperationLog,
    steps: readonly number[],
    code: LitmusHazard["code"],
    entry: number,
    byte: number,
  ) {
    this.#table = table;
    this.#log = log;
    this.#steps = steps;
    this.#entry = entry;
    this.code = code;
    this.step = steps[entry] as number;
    this.byte = byte;
  }

  get witness(): readonly WitnessStep[] {
    const kind = this.code === "stale-read" ? "stale" : "lost";
    this.#witness ??= this.#search(kind);
    return this.#witness;
  }

  /** Entries of the log become steps of the program: fences are counted there. */
  #search(kind: "stale" | "lost"): readonly WitnessStep[] {
    const found = findWitness(this.#table, this.#log.touching(this.byte, this.#entry), { kind }) ?? [];
    return found.map((each) =>
      each.kind === "event" ? each : { ...each, step: this.#steps[each.step] as number },
    );
  }
}
