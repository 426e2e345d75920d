// SPDX-License-Identifier: MIT
import {
  type ByteState,
  Copy,
  cleaned,
  copyOf,
  dirtied,
  isDirty,
  isStale,
  memoryStale,
  superseded,
  withCopy,
  withMemory,
} from "./byte-state.ts";
import type { Domain, Route, Topology } from "./topology.ts";

/** Cache maintenance: `clean` writes dirty lines to memory, `invalidate` drops lines, `flush` does both in order. */
export type MaintenanceKind = "clean" | "invalidate" | "flush";

/** What an access does. */
export type AccessKind = "read" | "write";

/** An operation of the whole machine, before it is projected to a byte. */
export type Operation =
  | {
      readonly index: number;
      readonly kind: AccessKind;
      readonly route: Route;
      readonly domain: Domain | null;
    }
  | { readonly index: number; readonly kind: MaintenanceKind; readonly route: null; readonly domain: Domain };

/** One way in which an operation may leave a byte. */
export interface Outcome {
  readonly state: ByteState;
  /** The access observed an older value. */
  readonly stale: boolean;
}

const outcome = (state: ByteState, stale = false): Outcome => ({ state, stale });

/** The domain's line is filled from memory if it is absent. */
function filled(state: ByteState, domain: Domain): ByteState {
  if (copyOf(state, domain) !== Copy.absent) return state;
  return withCopy(state, domain, memoryStale(state) ? Copy.cleanStale : Copy.cleanFresh);
}

/** The domain's line, if dirty, goes to memory and stays valid. */
export function writtenBack(state: ByteState, domain: Domain): ByteState {
  const copy = copyOf(state, domain);
  if (!isDirty(copy)) return state;
  return withMemory(withCopy(state, domain, cleaned(copy)), isStale(copy));
}

/** The domain's line goes away, dirty or not. */
export const dropped = (state: ByteState, domain: Domain): ByteState => withCopy(state, domain, Copy.absent);

/** Every operation that a topology knows, and what each does to one byte. */
export class OperationTable {
  readonly topology: Topology;
  readonly operations: readonly Operation[];
  readonly #accesses = new Map<string, Operation>();
  readonly #maintenance = new Map<string, Operation>();

  constructor(topology: Topology) {
    this.topology = topology;
    const operations: Operation[] = [];
    for (const route of topology.routes) {
      for (const kind of ["read", "write"] as const) {
        const operation = { index: operations.length, kind, route, domain: route.domain };
        operations.push(operation);
        this.#accesses.set(`${kind} ${route.index}`, operation);
      }
    }
    for (const domain of topology.domains) {
      for (const kind of ["clean", "invalidate", "flush"] as const) {
        const operation = { index: operations.length, kind, route: null, domain };
        operations.push(operation);
        this.#maintenance.set(`${kind} ${domain.index}`, operation);
      }
    }
    this.operations = operations;
  }

  /** The access of that kind by that route. */
  access(kind: AccessKind, route: Route): Operation {
    return this.#accesses.get(`${kind} ${route.index}`) as Operation;
  }

  /** The maintenance operation of that kind on that domain. */
  maintenance(kind: MaintenanceKind, domain: Domain): Operation {
    return this.#maintenance.get(`${kind} ${domain.index}`) as Operation;
  }

  /** What an operation does to a byte in its range. */
  inRange(operation: Operation, state: ByteState): readonly Outcome[] {
    const { domain, route } = operation;
    if (route === null) return [outcome(this.#maintained(operation, state))];
    if (operation.kind === "read") return [this.#read(route, state)];
    if (domain === null) return [outcome(superseded(state, this.topology.domains, false, null))];
    const cached = this.#cachedWrite(state, domain);
    if (route.kind === "cached") return [cached];
    const snooped = outcome(superseded(dropped(state, domain), this.topology.domains, false, null));
    return route.kind === "snoop" ? [snooped] : [snooped, cached];
  }

  /** What an operation does to a byte that is not in its range, but in a line of its domain that the range touches. */
  neighbour(operation: Operation, state: ByteState): readonly Outcome[] {
    const { domain, route } = operation;
    if (route === null) return [outcome(this.#maintained(operation, state))];
    if (domain === null) return [outcome(state)];
    if (operation.kind === "read") return [outcome(route.kind === "cached" ? filled(state, domain) : state)];
    const present = filled(state, domain);
    const cached = outcome(withCopy(present, domain, dirtied(copyOf(present, domain))));
    if (route.kind === "cached") return [cached];
    const snooped = outcome(dropped(writtenBack(state, domain), domain));
    return route.kind === "snoop" ? [snooped] : [snooped, cached];
  }

  #read(route: Route, state: ByteState): Outcome {
    const { domain } = route;
    if (domain === null) return outcome(state, memoryStale(state));
    const observed = filled(state, domain);
    return outcome(route.kind === "cached" ? observed : state, isStale(copyOf(observed, domain)));
  }

  #cachedWrite(state: ByteState, domain: Domain): Outcome {
    const others = superseded(state, this.topology.domains, true, domain);
    return outcome(withCopy(others, domain, Copy.dirtyFresh));
  }

  #maintained(operation: Operation, state: ByteState): ByteState {
    const domain = operation.domain as Domain;
    if (operation.kind === "clean") return writtenBack(state, domain);
    if (operation.kind === "invalidate") return dropped(state, domain);
    return dropped(writtenBack(state, domain), domain);
  }
}
