// SPDX-License-Identifier: MIT
import type { LineNest } from "./line-nest.ts";
import type { MaintenanceCost } from "./maintenance-cost.ts";
import type { MaintenanceKind, Operation } from "./operation.ts";
import { Flag, type StateId, type TransitionTable } from "./transition-table.ts";

/** A maintenance operation on the lines of a nest, done before a step of the log. */
export interface SearchStep {
  readonly before: number;
  readonly operation: Operation;
  readonly nest: LineNest;
}

/** What was done to a line, newest first; null stands for an operation on the wider line around it. */
interface Done {
  readonly step: SearchStep | null;
  readonly earlier: Done | null;
}

/** One way in which a line can have got here. */
export interface Way {
  /** Equal for ways with the same future. */
  readonly key: string;
  /** What its bytes can be in, one for each kind of the nest. */
  readonly states: readonly StateId[];
  /** The ways of each narrower line. */
  readonly inner: readonly Ways[];
  /** Cost of the line's own maintenance, and of that with the cheapest of every narrower line. */
  readonly own: number;
  readonly cost: number;
  /** The same for operations that may drop the only copy of the newest value: they decide between equal costs. */
  readonly ownDiscards: number;
  readonly discards: number;
  readonly done: Done | null;
}

/** The distinct ways in which a line can have got here, each as cheap as it can be. */
export interface Ways {
  readonly all: readonly Way[];
  readonly cheapest: Way;
}

const isCheaper = (a: Way, b: Way): boolean =>
  a.cost < b.cost || (a.cost === b.cost && a.discards < b.discards);

function waysOf(list: readonly Way[]): Ways | null {
  let [cheapest] = list;
  if (cheapest === undefined) return null;
  const byKey = new Map<string, Way>();
  for (const way of list) {
    const known = byKey.get(way.key);
    if (known === undefined || isCheaper(way, known)) byKey.set(way.key, way);
    if (isCheaper(way, cheapest)) cheapest = way;
  }
  return { all: [...byKey.values()], cheapest };
}

/** Equal for ways of a narrower line that differ from each other by the same costs: rounded, as costs may be fractions. */
function keyOf({ all, cheapest }: Ways): string {
  const keys = all.map(
    ({ key, cost, discards }) =>
      `${key}:${Math.round((cost - cheapest.cost) * 1e6)}:${discards - cheapest.discards}`,
  );
  return `(${keys.sort().join(" ")})`;
}

const kinds: readonly MaintenanceKind[] = ["clean", "invalidate", "flush"];

/**
 * The search for the cheapest maintenance of one widest line, forward through a sequence of accesses: Dijkstra over the
 * maintenance of each line, where a state of a wider line is what the narrower ones can be in at which cost. Those are
 * searched each by itself, so that many of them do not multiply.
 */
export class MaintenanceSearch {
  readonly #table: TransitionTable;
  readonly #cost: MaintenanceCost;
  readonly #forbidden: number;

  /** @param forbidden what maintenance must not do wrong: bits of `Flag`. */
  constructor(table: TransitionTable, cost: MaintenanceCost, forbidden: number) {
    this.#table = table;
    this.#cost = cost;
    this.#forbidden = forbidden;
  }

  /** The only way to begin. @param stateOf tells what bytes of a kind can be in. */
  start(nest: LineNest, stateOf: (kind: number) => StateId): Ways {
    const states = nest.kinds.map(stateOf);
    const inner = nest.inner.map((each) => this.start(each, stateOf));
    const way = this.#way(nest, { states, inner, own: 0, ownDiscards: 0, done: null });
    return { all: [way], cheapest: way };
  }

  /** The ways with any maintenance appended that is not forbidden, done before a step of the log. */
  maintain(nest: LineNest, ways: Ways, before: number): Ways {
    const settled = new Map<string, Way>();
    const spread = (way: Way): Way => {
      if (nest.inner.length === 0) return way;
      const inner = way.inner.map((each, i) => this.maintain(nest.inner[i] as LineNest, each, before));
      return this.#way(nest, { ...way, inner });
    };
    const open = ways.all.map(spread);
    while (open.length > 0) {
      let cheapest = 0;
      for (let i = 1; i < open.length; i++) {
        if (isCheaper(open[i] as Way, open[cheapest] as Way)) cheapest = i;
      }
      const [way] = open.splice(cheapest, 1) as [Way];
      if (settled.has(way.key)) continue;
      settled.set(way.key, way);
      for (const domain of nest.domains) {
        if (domain.bounce !== null) continue;
        for (const kind of kinds) {
          const cost = this.#cost(kind, domain);
          if (cost === Number.POSITIVE_INFINITY) continue;
          const operation = this.#table.operations.maintenance(kind, domain);
          const done = { step: { before, operation, nest }, earlier: way.done };
          const next = this.#operate(nest, way, operation, cost, done);
          if (next !== null) open.push(spread(next));
        }
      }
    }
    return waysOf([...settled.values()]) as Ways;
  }

  /**
   * The ways after an access that is safe in them, or null when it is safe in none: no older value is observed, and
   * nothing of what the access touches is lost by it or can be lost after it.
   *
   * @param columnOf the column by which the access touches bytes of a kind, or -1.
   */
  access(nest: LineNest, ways: Ways, columnOf: (kind: number) => number): Ways | null {
    return this.#accessed(nest, ways, columnOf, true);
  }

  /** The ways after an access that is safe in none of them. */
  accessUnsafely(nest: LineNest, ways: Ways, columnOf: (kind: number) => number): Ways {
    return this.#accessed(nest, ways, columnOf, false) as Ways;
  }

  #accessed(nest: LineNest, ways: Ways, columnOf: (kind: number) => number, safely: boolean): Ways | null {
    const after: Way[] = [];
    const columns = nest.kinds.map(columnOf);
    for (const way of ways.all) {
      const safe = columns.every(
        (column, i) => column < 0 || !safely || this.#isSafe(way.states[i] as StateId, column),
      );
      if (!safe) continue;
      const states = way.states.map((state, i) => {
        const column = columns[i] as number;
        return column < 0 ? state : this.#table.next(state, column);
      });
      const inner = way.inner.map((each, i) =>
        this.#accessed(nest.inner[i] as LineNest, each, columnOf, safely),
      );
      if (isComplete(inner)) after.push(this.#way(nest, { ...way, states, inner }));
    }
    return waysOf(after);
  }

  /** What was done on a way and on the cheapest ways of the narrower lines, in order. */
  steps(nest: LineNest, way: Way): SearchStep[] {
    return this.#linear(nest, way).filter((step) => step !== null);
  }

  #isSafe(state: StateId, column: number): boolean {
    if (this.#table.flags(state, column) & (Flag.stale | Flag.overwrites)) return false;
    return !this.#table.endangered(this.#table.next(state, column));
  }

  /** A way after an operation on its line or on the one around it; null when that is forbidden. */
  #operate(nest: LineNest, way: Way, operation: Operation, cost: number, done: Done): Way | null {
    const column = this.#table.column(operation, false);
    let flags = 0;
    for (const state of way.states) flags |= this.#table.flags(state, column);
    if (flags & this.#forbidden) return null;
    const states = way.states.map((state) => this.#table.next(state, column));
    const inner = way.inner.map((ways, i) => {
      const each = nest.inner[i] as LineNest;
      const next = ways.all.map((one) =>
        this.#operate(each, one, operation, 0, { step: null, earlier: one.done }),
      );
      return waysOf(next.filter((one) => one !== null));
    });
    if (!isComplete(inner)) return null;
    const ownDiscards = way.ownDiscards + (flags & Flag.discards ? 1 : 0);
    return this.#way(nest, { states, inner, own: way.own + cost, ownDiscards, done });
  }

  #way(
    nest: LineNest,
    { states, inner, own, ownDiscards, done }: Pick<Way, "states" | "inner" | "own" | "ownDiscards" | "done">,
  ): Way {
    let cost = own;
    let discards = ownDiscards;
    inner.forEach(({ cheapest }, i) => {
      const { count } = nest.inner[i] as LineNest;
      cost += cheapest.cost * count;
      discards += cheapest.discards * count;
    });
    const key = states.join() + inner.map(keyOf).join("");
    return { key, states, inner, own, cost, ownDiscards, discards, done };
  }

  #linear(nest: LineNest, way: Way): (SearchStep | null)[] {
    const own: (SearchStep | null)[] = [];
    for (let done = way.done; done !== null; done = done.earlier) own.push(done.step);
    const inner = way.inner.map(({ cheapest }, i) => this.#linear(nest.inner[i] as LineNest, cheapest));
    const positions = inner.map(() => 0);
    const steps: (SearchStep | null)[] = [];
    // An operation on this line stands as null among those on each line in it.
    for (const step of [...own.reverse(), undefined]) {
      inner.forEach((each, i) => {
        let at = positions[i] as number;
        for (; at < each.length && each[at] !== null; at++) steps.push(each[at] as SearchStep);
        positions[i] = at + 1;
      });
      if (step !== undefined) steps.push(step);
    }
    return steps;
  }
}

function isComplete(inner: readonly (Ways | null)[]): inner is readonly Ways[] {
  return inner.every((ways) => ways !== null);
}
