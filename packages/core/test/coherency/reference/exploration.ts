// SPDX-License-Identifier: MIT
import type { ConcreteEvent, ConcreteMachine, ConcreteOperation, ConcreteState } from "./concrete-machine.ts";

/** An interned set of states of a concrete machine, closed under everything that may happen by itself. */
export type SetId = number;

/** What an operation does to a set. Masks have a bit for each byte. */
export interface Transition {
  readonly next: SetId;
  /** Bytes of which a read can observe something that is not the newest value. */
  readonly stale: number;
  /** Bytes whose newest value was somewhere before and can be nowhere right after. */
  readonly breaks: number;
}

interface Move {
  readonly next: readonly number[];
  readonly stale: number;
  readonly breaks: number;
}

interface Successor {
  readonly event: ConcreteEvent["event"];
  readonly state: number;
}

interface StateSet {
  readonly states: readonly number[];
  readonly lost: number;
  readonly endangered: number;
}

/**
 * Explores a concrete machine: every choice of every operation, and every event at every moment. It holds all states
 * explicitly. The n-th write of a byte stores n; then the values of each byte are renumbered, in order and without gaps,
 * so that there are finitely many states: which values are equal and which is the newest is all that anything asks.
 */
export class Exploration {
  readonly machine: ConcreteMachine;
  /** Memory that nobody has touched, and whatever may have happened to it by itself. */
  readonly initial: SetId;
  readonly #states: ConcreteState[] = [];
  readonly #ids = new Map<string, number>();
  readonly #lost: number[] = [];
  readonly #successors: (readonly Successor[] | undefined)[] = [];
  readonly #operations = new Map<string, number>();
  readonly #moves: Map<number, Move>[] = [];
  readonly #sets: StateSet[] = [];
  readonly #setIds = new Map<string, SetId>();
  readonly #transitions: Map<SetId, Transition>[] = [];

  constructor(machine: ConcreteMachine) {
    this.machine = machine;
    this.initial = this.#close([this.#intern(machine.initial())]);
  }

  /** Number of distinct states met so far. */
  get size(): number {
    return this.#states.length;
  }

  /** The states of a set. */
  states(set: SetId): ConcreteState[] {
    return (this.#sets[set] as StateSet).states.map((state) => this.#states[state] as ConcreteState);
  }

  /** Bytes whose newest value is nowhere, in some state. */
  lost(set: SetId): number {
    return (this.#sets[set] as StateSet).lost;
  }

  /** Bytes whose newest value is somewhere in some state, and nowhere after one more write-back. */
  endangered(set: SetId): number {
    return (this.#sets[set] as StateSet).endangered;
  }

  /** Everything that can come of an operation. */
  after(set: SetId, operation: ConcreteOperation): Transition {
    const id = this.#operationId(operation);
    const transitions = this.#transitions[id] as Map<SetId, Transition>;
    const known = transitions.get(set);
    if (known !== undefined) return known;
    const next = new Set<number>();
    let stale = 0;
    let breaks = 0;
    for (const state of (this.#sets[set] as StateSet).states) {
      const move = this.#move(state, operation, id);
      for (const each of move.next) next.add(each);
      stale |= move.stale;
      breaks |= move.breaks;
    }
    const transition = { next: this.#close(next), stale, breaks };
    transitions.set(set, transition);
    return transition;
  }

  #operationId({ kind, route, domain, start, end }: ConcreteOperation): number {
    const key = `${kind} ${route} ${domain} ${start} ${end}`;
    let id = this.#operations.get(key);
    if (id === undefined) {
      id = this.#operations.size;
      this.#operations.set(key, id);
      this.#moves.push(new Map());
      this.#transitions.push(new Map());
    }
    return id;
  }

  #move(id: number, operation: ConcreteOperation, operationId: number): Move {
    const moves = this.#moves[operationId] as Map<number, Move>;
    const known = moves.get(id);
    if (known !== undefined) return known;
    const { machine } = this;
    const state = this.#states[id] as ConcreteState;
    const before = this.#lost[id] as number;
    let stale = 0;
    let breaks = 0;
    const outcomes = machine.outcomes(state, operation, (address) => machine.newestAt(state, address) + 1);
    const next = outcomes.map((outcome) => {
      outcome.observed.forEach((value, i) => {
        if (value !== machine.newestAt(state, operation.start + i)) stale |= 1 << (operation.start + i);
      });
      const after = this.#intern(outcome.state);
      breaks |= (this.#lost[after] as number) & ~before;
      return after;
    });
    const move = { next, stale, breaks };
    moves.set(id, move);
    return move;
  }

  #close(from: Iterable<number>): SetId {
    const closed = new Set(from);
    let lost = 0;
    let endangered = 0;
    for (const state of closed) {
      const own = this.#lost[state] as number;
      lost |= own;
      for (const { event, state: next } of this.#successorsOf(state)) {
        closed.add(next);
        if (event === "write-back") endangered |= (this.#lost[next] as number) & ~own;
      }
    }
    const states = Uint32Array.from(closed).sort();
    const key = states.join();
    const known = this.#setIds.get(key);
    if (known !== undefined) return known;
    this.#sets.push({ states: [...states], lost, endangered });
    this.#setIds.set(key, this.#sets.length - 1);
    return this.#sets.length - 1;
  }

  #successorsOf(state: number): readonly Successor[] {
    const known = this.#successors[state];
    if (known !== undefined) return known;
    const events = this.machine.events(this.#states[state] as ConcreteState);
    const successors = events.map(({ event, state: next }) => ({ event, state: this.#intern(next) }));
    this.#successors[state] = successors;
    return successors;
  }

  #intern(state: ConcreteState): number {
    const { machine } = this;
    let lost = 0;
    for (let address = 0; address < machine.size; address++) {
      machine.renumber(state, address);
      if (machine.isLost(state, address)) lost |= 1 << address;
    }
    const key = String.fromCharCode(...state);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#states.push(state);
    this.#lost.push(lost);
    this.#ids.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }
}
