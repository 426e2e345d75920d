// SPDX-License-Identifier: MIT
import { conflictOf, type RangedOperation } from "../../../src/coherency/litmus-race.ts";
import { operationLine } from "../../../src/coherency/operation-log.ts";
import {
  type Domain,
  type DomainSpec,
  Flag,
  isLost,
  Topology,
  TransitionTable,
} from "../../../src/coherency.ts";

/** Two operations that do not conflict, and an execution in which their order matters all the same. */
export interface Difference {
  readonly first: string;
  readonly second: string;
  readonly suffix: readonly string[];
}

/** What an order may change although two operations do not conflict: see {@link exception}. */
export type Exception = "none" | "lost" | "all";

/**
 * Where COHERENCY's rules and its theorem part. Two cached writes of one domain to different bytes of a line are no
 * race, but the one that comes first may overwrite, in its neighbour's bytes, a value of somebody else's that the
 * neighbour was about to replace: `lost` may differ. Two cleans of different domains are no race, but of two dirty
 * lines the one that is cleaned last stays in memory; where both domains evict, that can happen in either order. Between
 * two cached writes to one line of an exclusive domain, a domain in front of it may drop its old line into it: which
 * byte is old then depends on their order. A read through one of two domains in front of an exclusive one may bring an
 * old line into it, and with it before the other's read.
 */
export function exception(first: RangedOperation, second: RangedOperation): Exception {
  const [a, b] = [first.operation, second.operation];
  const writes = a.kind === "write" && b.kind === "write";
  if (writes && a.route.kind === "cached" && b.route.kind === "cached")
    return a.domain?.exclusive === true ? "all" : "lost";
  const reads = a.kind === "read" && b.kind === "read" && a.domain !== b.domain;
  const fills = a.route?.kind === "cached" || b.route?.kind === "cached";
  if (reads && fills && exclusiveBehind(a.domain, b.domain)) return "all";
  const cleans = a.kind === "clean" && b.kind === "clean" && a.domain !== b.domain;
  return cleans && !(a.domain.evicts && b.domain.evicts) ? "all" : "none";
}

/** A state of some bytes: the id of the set of each, as text. */
type State = string;

interface Effect {
  readonly next: State;
  readonly stale: boolean;
  readonly lost: boolean;
}

/** Whether an exclusive domain lies behind both. */
function exclusiveBehind(one: Domain | null, other: Domain | null): boolean {
  for (let at = one?.behind ?? null; at !== null; at = at.behind)
    for (let to = other?.behind ?? null; to !== null; to = to.behind)
      if (at === to && at.exclusive) return true;
  return false;
}

/**
 * Every operation on the bytes of one widest line, every state that up to `prefix` of them lead to, every pair of
 * operations that do not conflict, in both orders, and every suffix of up to `suffix` operations: the pairs whose
 * order changes a stale read or whether something is lost.
 */
export class PairCheck {
  readonly table: TransitionTable;
  readonly operations: readonly RangedOperation[];
  readonly #width: number;
  readonly #exceptions: boolean;
  readonly #effects: Map<State, Effect>[] = [];
  readonly #agreed = new Map<string, number>();
  /** Pairs of operations and states that were run in both orders. */
  compared = 0;

  /** @param exceptions whether the known exceptions count as differences. */
  constructor(domains: Readonly<Record<string, DomainSpec>>, width: number, exceptions = false) {
    this.#exceptions = exceptions;
    const topology = new Topology({ domains });
    this.table = new TransitionTable(topology);
    this.#width = width;
    const operations: RangedOperation[] = [];
    for (const operation of this.table.operations.operations) {
      for (let start = 0; start < width; start++)
        for (let end = start + 1; end <= width; end++) operations.push({ operation, start, end });
    }
    this.operations = operations;
    for (const _ of operations) this.#effects.push(new Map());
  }

  /** The states that up to `length` operations lead to. */
  reachable(length: number): State[] {
    const start = new Array(this.#width).fill(this.table.initial).join();
    const seen = new Set([start]);
    let layer = [start];
    for (let i = 0; i < length && layer.length > 0; i++) {
      const next: State[] = [];
      for (const state of layer) {
        for (let index = 0; index < this.operations.length; index++) {
          const after = this.#effect(state, index).next;
          if (seen.has(after)) continue;
          seen.add(after);
          next.push(after);
        }
      }
      layer = next;
    }
    return [...seen];
  }

  /** The first difference that any pair makes, or null. */
  difference(prefix: number, suffix: number): Difference | null {
    const pairs: [number, number][] = [];
    this.operations.forEach((first, i) => {
      this.operations.forEach((second, j) => {
        if (i < j && conflictOf(first, second) === null && this.#counts(first, second)) pairs.push([i, j]);
      });
    });
    for (const state of this.reachable(prefix)) {
      for (const [i, j] of pairs) {
        this.compared++;
        const differs = this.#inBothOrders(state, i, j, suffix);
        if (differs !== null)
          return {
            first: this.#text(i),
            second: this.#text(j),
            suffix: differs.map((each) => this.#text(each)),
          };
      }
    }
    return null;
  }

  #counts(first: RangedOperation, second: RangedOperation): boolean {
    return this.#exceptions || exception(first, second) !== "all";
  }

  #inBothOrders(state: State, i: number, j: number, suffix: number): number[] | null {
    const a = this.#effect(state, i);
    const ab = this.#effect(a.next, j);
    const b = this.#effect(state, j);
    const ba = this.#effect(b.next, i);
    if (a.stale !== ba.stale || ab.stale !== b.stale) return [];
    const known = exception(this.operations[i] as RangedOperation, this.operations[j] as RangedOperation);
    const before = this.#isLost(state) || (known === "lost" && !this.#exceptions);
    return this.#alike(ab.next, before || a.lost || ab.lost, ba.next, before || b.lost || ba.lost, suffix);
  }

  /** Null when every suffix has the same verdict from both states, else one that has not. */
  #alike(one: State, oneLost: boolean, other: State, otherLost: boolean, suffix: number): number[] | null {
    if (oneLost !== otherLost) return [];
    if (one === other || suffix === 0) return null;
    const key = `${one} ${other} ${oneLost}`;
    if ((this.#agreed.get(key) ?? 0) >= suffix) return null;
    for (let index = 0; index < this.operations.length; index++) {
      const from = this.#effect(one, index);
      const to = this.#effect(other, index);
      if (from.stale !== to.stale) return [index];
      const deeper = this.#alike(from.next, oneLost || from.lost, to.next, otherLost || to.lost, suffix - 1);
      if (deeper !== null) return [index, ...deeper];
    }
    this.#agreed.set(key, suffix);
    return null;
  }

  /** Whether the step that led here, whichever it was, found the newest value of a byte lost. */
  #isLost(state: State): boolean {
    const { domains } = this.table.topology;
    return state.split(",").some((id) => this.table.states(Number(id)).some((each) => isLost(each, domains)));
  }

  #effect(state: State, index: number): Effect {
    const effects = this.#effects[index] as Map<State, Effect>;
    const known = effects.get(state);
    if (known !== undefined) return known;
    const { operation, start, end } = this.operations[index] as RangedOperation;
    const line = operationLine(operation);
    const ids = state.split(",").map(Number);
    let stale = false;
    let lost = false;
    const next = ids.map((id, byte) => {
      const hit = byte >= start && byte < end;
      const first = byte - (byte % line);
      if (!hit && !(first < end && start < first + line)) return id;
      const column = this.table.column(operation, !hit);
      const flags = this.table.flags(id, column);
      if (flags & Flag.stale) stale = true;
      if (flags & Flag.lost) lost = true;
      return this.table.next(id, column);
    });
    const effect = { next: next.join(), stale, lost };
    effects.set(state, effect);
    return effect;
  }

  #text(index: number): string {
    const { operation, start, end } = this.operations[index] as RangedOperation;
    const { route, domain } = operation;
    const where = [route?.kind, domain?.name].filter((word) => word !== undefined).join(" ");
    return `${operation.kind} ${where} [${start}, ${end})`;
  }
}
