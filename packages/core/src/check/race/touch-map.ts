// SPDX-License-Identifier: MIT
import type { Operation } from "../../coherency/operation.ts";
import { operationLine } from "../../coherency/operation-log.ts";
import type { StateId, TransitionTable } from "../../coherency/transition-table.ts";
import type { Extents } from "../../memory/extents.ts";
import { IntervalMap } from "../../memory/interval-map.ts";
import { lineCover } from "../../memory/line-cover.ts";
import { Order, type TouchClasses } from "./touch-class.ts";

/** What is made of such pieces is made of whole lines, whatever the domain. */
const LARGEST_LINE = 4096;

/** Addresses of the model. */
const SPACE_END = 2 ** 52;

/** An operation that touched a byte. */
export interface Touch {
  /** Step of the operation log. */
  readonly step: number;
  /** Column of the transition table: the operation, in range or as a neighbour. */
  readonly column: number;
  readonly timeline: number;
  /** Its event. */
  readonly seq: number;
  /** What the byte could be before it. */
  readonly state: StateId;
}

/** What a run of bytes has been through. */
interface History {
  readonly touches: readonly Touch[];
  /** What the bytes can be now. */
  readonly state: StateId;
}

/** Fewest ranges of a buffer that is worth a history of its own. */
const SCATTERED = 8;

/** The ranges of a scattered buffer, as long as whoever touches one of them touches them all: one history for all. */
interface Unit {
  history: number;
  whole: boolean;
}

/** What an operation makes of a run of bytes: its history afterwards, and what it races with. */
interface Change {
  readonly next: number;
  readonly conflicts: readonly { readonly old: Touch; readonly touch: Touch; readonly order: Order }[];
}

/** Called for two touches of [start, end) that conflict and that nothing orders. */
export type Conflicts = (first: Touch, second: Touch, order: Order, start: number, end: number) => void;

/**
 * The touches of each byte that a later one may race with: of each timeline and each kind the last, and none that
 * another one stands for. One interned history for each run of bytes with equal history, so the cost follows the runs.
 */
export class TouchMap {
  readonly #table: TransitionTable;
  readonly #classes: TouchClasses;
  readonly #before: (timeline: number, seq: number, on: number) => boolean;
  readonly #conflicts: Conflicts;
  /** Of each byte the number of its history, or -1 - the number of its unit. */
  readonly #map = new IntervalMap(0, SPACE_END, 0);
  readonly #units: Unit[] = [];
  readonly #unitOf = new WeakMap<Extents, number>();
  readonly #seen = new WeakSet<Extents>();
  readonly #histories: History[];
  readonly #free: number[] = [];
  #sweepAt = 4096;

  constructor(
    table: TransitionTable,
    classes: TouchClasses,
    before: (timeline: number, seq: number, on: number) => boolean,
    conflicts: Conflicts,
  ) {
    this.#table = table;
    this.#histories = [{ touches: [], state: table.initial }];
    this.#classes = classes;
    this.#before = before;
    this.#conflicts = conflicts;
  }

  /** Notes an operation and reports what it races with. */
  touch(step: number, operation: Operation, extents: Extents, timeline: number, seq: number): void {
    const column = operation.index * 2;
    const unit = this.#wholeUnit(extents);
    if (unit !== null) this.#touchUnit(unit, extents, { step, column, timeline, seq });
    else this.#touchRuns(operation, extents, { step, column, timeline, seq });
    if (this.#histories.length - this.#free.length >= this.#sweepAt) this.#sweep();
  }

  /** The unit of these ranges, made when all of them have one history; null when they are few, or have several. */
  #wholeUnit(extents: Extents): Unit | null {
    const known = this.#unitOf.get(extents);
    if (known !== undefined) {
      const unit = this.#units[known] as Unit;
      return unit.whole ? unit : null;
    }
    const { pairs } = extents;
    if (pairs.length < 2 * SCATTERED || !extents.isAligned(LARGEST_LINE)) return null;
    // Parts of buffers are cut out anew for each access; what comes a second time will come again.
    if (!this.#seen.has(extents)) {
      this.#seen.add(extents);
      return null;
    }
    const values = new Set<number>();
    for (let i = 0; i < pairs.length && values.size < 2; i += 2)
      this.#map.forEach(pairs[i] as number, pairs[i + 1] as number, (value) => values.add(value));
    if (values.size !== 1) return null;
    const [value = 0] = values;
    const unit: Unit = { history: this.#historyOf(value), whole: true };
    if (value < 0) (this.#units[-1 - value] as Unit).whole = false;
    const index = this.#units.push(unit) - 1;
    this.#unitOf.set(extents, index);
    for (let i = 0; i < pairs.length; i += 2)
      this.#map.set(pairs[i] as number, pairs[i + 1] as number, -1 - index);
    return unit;
  }

  #historyOf(value: number): number {
    return value >= 0 ? value : (this.#units[-1 - value] as Unit).history;
  }

  #touchUnit(unit: Unit, { pairs }: Extents, of: Omit<Touch, "state">): void {
    const { next, conflicts } = this.#change(unit.history, of);
    unit.history = next;
    for (const { old, touch, order } of conflicts)
      for (let i = 0; i < pairs.length; i += 2)
        this.#conflicts(old, touch, order, pairs[i] as number, pairs[i + 1] as number);
  }

  #touchRuns(operation: Operation, extents: Extents, of: Omit<Touch, "state">): void {
    const cover = lineCover(extents, operationLine(operation));
    this.#apply(cover.inRange, of);
    if (cover.neighbours.length > 0) this.#apply(cover.neighbours, { ...of, column: of.column + 1 });
  }

  #apply(pairs: Float64Array, of: Omit<Touch, "state">): void {
    const changes = new Map<number, Change>();
    let last = Number.NaN;
    let change: Change = { next: 0, conflicts: [] };
    const transition = (id: number, start: number, end: number): number => {
      // Scattered pages of one buffer have the same history, so most runs need no more than this.
      if (id !== last) {
        change = changes.get(id) ?? this.#change(this.#historyOf(id), of);
        // These bytes leave their unit; the others of it keep the history that it had.
        if (id < 0) (this.#units[-1 - id] as Unit).whole = false;
        changes.set(id, change);
        last = id;
      }
      for (const { old, touch, order } of change.conflicts) this.#conflicts(old, touch, order, start, end);
      return change.next;
    };
    for (let i = 0; i < pairs.length; i += 2)
      this.#map.update(pairs[i] as number, pairs[i + 1] as number, transition);
  }

  #change(id: number, of: Omit<Touch, "state">): Change {
    const { touches, state } = this.#histories[id] as History;
    const touch = { ...of, state };
    const conflicts: Change["conflicts"][number][] = [];
    const remaining: Touch[] = [];
    for (const old of touches) {
      const ordered = this.#before(old.timeline, old.seq, touch.timeline);
      if (!ordered || !this.#classes.covers(touch.column, old.column)) remaining.push(old);
      if (ordered || old.step === touch.step) continue;
      const order = this.#classes.order(old.column, touch.column);
      if (order !== Order.free) conflicts.push({ old, touch, order });
    }
    remaining.push(touch);
    const next = this.#store({ touches: remaining, state: this.#table.next(state, touch.column) });
    return { next, conflicts };
  }

  #store(history: History): number {
    const id = this.#free.pop() ?? this.#histories.length;
    this.#histories[id] = history;
    return id;
  }

  /** Frees the histories that no byte has any more. */
  #sweep(): void {
    const used = new Uint8Array(this.#histories.length);
    used[0] = 1;
    this.#map.forEach(0, SPACE_END, (value) => {
      used[this.#historyOf(value)] = 1;
    });
    const untouched = this.#histories[0] as History;
    this.#free.length = 0;
    for (let id = used.length - 1; id > 0; id--) {
      if (used[id] === 1) continue;
      this.#histories[id] = untouched;
      this.#free.push(id);
    }
    this.#sweepAt = 2 * Math.max(2048, this.#histories.length - this.#free.length);
  }
}
