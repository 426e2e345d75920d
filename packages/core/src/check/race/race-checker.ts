// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "../../coherency/analysis-machine.ts";
import { operationLine } from "../../coherency/operation-log.ts";
import { Flag, type StateId } from "../../coherency/transition-table.ts";
import { lineCover, pairsContain } from "../../memory/line-cover.ts";
import type { Trace } from "../../sim/trace.ts";
import type { BufferMap } from "../buffer-map.ts";
import { HappensBefore } from "./happens-before.ts";
import { Order, TouchClasses } from "./touch-class.ts";
import { type Touch, TouchMap } from "./touch-map.ts";

/** Two operations that conflict and that nothing orders; equal ones of other frames are one. */
export interface Race {
  /** Steps of the operation log, in the order in which they ran this time. */
  readonly first: number;
  readonly second: number;
  /** Bytes that both touch, where they meet first: a half-open range of addresses. */
  readonly start: number;
  readonly end: number;
  /** Whether it is false sharing in one domain, which harms nobody unless maintenance or somebody else meets the line. */
  readonly shared: boolean;
  /** Whether all that is missing is a drain of the write-combining buffers behind the first. */
  readonly undrained: boolean;
  readonly count: number;
}

/**
 * Finds races in a run: operations on common bytes or lines whose order matters and is enforced by nothing, whichever
 * ran first this time. It sees events, and the log of what they did to memory.
 */
export class RaceChecker {
  readonly #trace: Trace;
  readonly #machine: AnalysisMachine;
  readonly #buffers: BufferMap;
  readonly #order: HappensBefore;
  readonly #touches: TouchMap;
  readonly #races = new Map<string, { -readonly [K in keyof Race]: Race[K] }>();
  #done = 0;

  constructor(trace: Trace, machine: AnalysisMachine, buffers: BufferMap) {
    this.#trace = trace;
    this.#machine = machine;
    this.#buffers = buffers;
    const order = new HappensBefore(trace, () => this.#catchUp());
    this.#order = order;
    this.#touches = new TouchMap(
      machine.table,
      new TouchClasses(machine.table),
      (timeline, seq, on) => order.before(timeline, seq, on),
      (first, second, of, start, end) => this.#note(first, second, of, start, end),
    );
  }

  /** The races so far, in the order in which they were met. */
  finish(): readonly Race[] {
    this.#catchUp();
    return [...this.#races.values()].filter((race) => !race.shared || this.#isMixed(race));
  }

  /** An operation stands in the log right after its event: nobody has learnt anything in between. */
  #catchUp(): void {
    const { log } = this.#machine;
    const { ring } = this.#trace;
    for (; this.#done < log.length; this.#done++) {
      const seq = log.cause(this.#done);
      if (seq < 0 || !ring.has(seq)) continue;
      const operation = log.operation(this.#done);
      this.#touches.touch(this.#done, operation, log.extents(this.#done), ring.timelineOf(seq), seq);
    }
  }

  #note(first: Touch, second: Touch, order: Order, start: number, end: number): void {
    if (this.#maintains(first) || this.#maintains(second)) if (this.#commutes(first, second, start)) return;
    const buffer = this.#buffers.find(start)?.buffer ?? "";
    const shared = order === Order.shared;
    const [a, b] = [`${first.timeline} ${first.column}`, `${second.timeline} ${second.column}`];
    // Nothing orders them, so they may have met the other way round in another frame.
    const key = `${[a, b].sort().join()} ${shared} ${buffer}`;
    const known = this.#races.get(key);
    if (known === undefined) {
      const undrained = this.#order.lacksDrain(first.timeline, first.seq, second.timeline);
      const steps = { first: first.step, second: second.step };
      this.#races.set(key, { ...steps, start, end, shared, undrained, count: 1 });
    } else if (known.second !== second.step && known.start === start) known.count++;
    else if (known.second === second.step && known.end === start) known.end = end;
  }

  /** Whether anything but cached and snooping accesses of one domain meets the line. */
  #isMixed({ first, start }: Race): boolean {
    const { log } = this.#machine;
    const { domain } = log.operation(first);
    return log.touching(start).some(({ step }) => {
      const operation = log.operation(step);
      return operation.route === null || operation.domain !== domain;
    });
  }

  #maintains({ column }: Touch): boolean {
    return this.#machine.table.operations.operations[column >>> 1]?.route === null;
  }

  /**
   * Whether maintenance comes out the same on the other side of what it meets: an invalidate beside a read, where nothing
   * is dirty, is nobody's race. Everything that happens after the first goes with it to the other side of the second.
   */
  #commutes(first: Touch, second: Touch, address: number): boolean {
    const { log } = this.#machine;
    const early: Step[] = [];
    const late: Step[] = [];
    const all: Step[] = [];
    for (let step = first.step; step <= second.step; step++) {
      const operation = log.operation(step);
      const cover = lineCover(log.extents(step), operationLine(operation));
      const inRange = pairsContain(cover.inRange, address);
      if (!inRange && !pairsContain(cover.neighbours, address)) continue;
      const entry = { step, column: operation.index * 2 + (inRange ? 0 : 1) };
      const goesAlong = step !== second.step && this.#order.ordered(first.seq, log.cause(step));
      (goesAlong ? late : early).push(entry);
      all.push(entry);
    }
    return this.#verdict(first.state, all) === this.#verdict(first.state, [...early, ...late]);
  }

  /**
   * Which steps can be stale, whether old data can be written over new, and what the byte can be at the end. What an
   * invalidate discards counts where it is missed: in a read or at the end.
   */
  #verdict(before: StateId, steps: readonly Step[]): string {
    const { table } = this.#machine;
    const stale: number[] = [];
    let state = before;
    let lost = 0;
    for (const { step, column } of steps) {
      const flags = table.flags(state, column);
      if (flags & Flag.stale) stale.push(step);
      lost |= flags & Flag.overwrites;
      state = table.next(state, column);
    }
    return `${stale.sort((a, b) => a - b).join()} ${lost} ${state}`;
  }
}

/** An operation on one byte: its step and its column in the transition table. */
interface Step {
  readonly step: number;
  readonly column: number;
}
