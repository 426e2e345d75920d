// SPDX-License-Identifier: MIT
import { type ByteState, initialByteState, isLost } from "./byte-state.ts";
import { type Operation, OperationTable, type Outcome } from "./operation.ts";
import { spontaneousEvents } from "./spontaneous-event.ts";
import type { Topology } from "./topology.ts";

/** An interned set of byte states, closed under spontaneous events. */
export type StateId = number;

/** What a transition can do wrong, as bits. */
export const Flag = {
  /** The access can observe an older value. */
  stale: 1,
  /** Afterwards the newest value may exist nowhere. */
  lost: 2,
  /** A stale line is written back over the newest value, by the operation or at any time after it. */
  overwrites: 4,
  /** The operation drops a line that holds the only copy of the newest value. */
  discards: 8,
} as const;

/**
 * The automaton over sets of byte states: built lazily from the topology, every distinct set interned as a small
 * integer, every transition computed once. Reachable sets are few (11 for one speculating domain, 179 for two).
 */
export class TransitionTable {
  readonly topology: Topology;
  readonly operations: OperationTable;
  /** The state of memory that nobody has touched: fresh, nothing dirty, clean copies wherever a domain speculates. */
  readonly initial: StateId;
  readonly #sets: (readonly ByteState[])[] = [];
  readonly #ids = new Map<string, StateId>();
  readonly #endangered: boolean[] = [];
  readonly #columns: number;
  #next = new Int32Array(0);
  #flags = new Uint8Array(0);

  constructor(topology: Topology) {
    this.topology = topology;
    this.operations = new OperationTable(topology);
    this.#columns = this.operations.operations.length * 2;
    this.initial = this.intern([initialByteState]);
  }

  /** Number of distinct sets met so far. */
  get size(): number {
    return this.#sets.length;
  }

  /** The byte states of a set, ascending. */
  states(id: StateId): readonly ByteState[] {
    return this.#sets[id] as readonly ByteState[];
  }

  /** The id of the smallest closed set that contains these states. */
  intern(states: Iterable<ByteState>): StateId {
    const { domains } = this.topology;
    const closed = new Set(states);
    for (const state of closed)
      for (const event of spontaneousEvents(state, domains)) closed.add(event.state);
    const sorted = [...closed].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length;
    this.#sets.push(sorted);
    this.#ids.set(key, id);
    this.#endangered.push(sorted.some((state) => this.#canLoseByItself(state)));
    this.#grow();
    return id;
  }

  /** Whether the newest value can get lost by itself from here: a dirty, stale line waits to be written back. */
  endangered(id: StateId): boolean {
    return this.#endangered[id] as boolean;
  }

  /** The column of an operation for bytes in its range, or for their neighbours in the same line. */
  column(operation: Operation, neighbour: boolean): number {
    return operation.index * 2 + (neighbour ? 1 : 0);
  }

  /** The set after the operation of that column. */
  next(id: StateId, column: number): StateId {
    const known = this.#next[id * this.#columns + column] as number;
    return known >= 0 ? known : this.#compute(id, column);
  }

  /** What the operation of that column can do wrong to a byte in this set: bits of {@link Flag}. */
  flags(id: StateId, column: number): number {
    const slot = id * this.#columns + column;
    if ((this.#next[slot] as number) < 0) this.#compute(id, column);
    return this.#flags[slot] as number;
  }

  /** What an operation of that column may do to one byte state. */
  outcomes(state: ByteState, column: number): readonly Outcome[] {
    const operation = this.operations.operations[column >>> 1] as Operation;
    return column % 2 === 1
      ? this.operations.neighbour(operation, state)
      : this.operations.inRange(operation, state);
  }

  /** Dropping a clean line can only end what an invalidate began, or a write-back: those are to blame. */
  #canLoseByItself(state: ByteState): boolean {
    const { domains } = this.topology;
    return (
      !isLost(state, domains) &&
      spontaneousEvents(state, domains).some(
        ({ event, state: next }) => event === "write-back" && isLost(next, domains),
      )
    );
  }

  #compute(id: StateId, column: number): StateId {
    const { domains } = this.topology;
    const operation = this.operations.operations[column >>> 1] as Operation;
    const results = new Set<ByteState>();
    let flags = 0;
    for (const state of this.states(id)) {
      for (const result of this.outcomes(state, column)) {
        results.add(result.state);
        if (result.stale) flags |= Flag.stale;
        if (isLost(result.state, domains) && !isLost(state, domains)) {
          const drops = operation.kind === "invalidate" || operation.kind === "release";
          flags |= drops ? Flag.discards : Flag.overwrites;
        }
      }
    }
    const next = this.intern(results);
    if (this.states(next).some((state) => isLost(state, domains))) flags |= Flag.lost;
    // The operation to blame is a write, whose data is in danger, or the one that brought the danger about.
    const blamed = operation.kind === "write" || !this.#endangered[id];
    if (this.#endangered[next] && blamed) flags |= Flag.overwrites;
    const slot = id * this.#columns + column;
    this.#next[slot] = next;
    this.#flags[slot] = flags;
    return next;
  }

  #grow(): void {
    const needed = this.#sets.length * this.#columns;
    if (needed <= this.#next.length) return;
    const capacity = Math.max(needed, this.#next.length * 2, 16 * this.#columns);
    const next = new Int32Array(capacity).fill(-1);
    const flags = new Uint8Array(capacity);
    next.set(this.#next);
    flags.set(this.#flags);
    this.#next = next;
    this.#flags = flags;
  }
}
