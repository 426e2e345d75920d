// SPDX-License-Identifier: MIT
import { besideSlotCopy, type CopyKind, slotCopied } from "./bounce-slot.ts";
import { type ByteState, copyOf, isStale } from "./byte-state.ts";
import {
  besides,
  type Choice,
  canFill,
  dropped,
  filled,
  followedBy,
  noChoices,
  observesStale,
  type Passage,
  stored,
  written,
  writtenBack,
} from "./passage.ts";
import type { Domain, Route, Topology } from "./topology.ts";

/** Cache maintenance: `clean` writes dirty lines to what lies behind, `invalidate` drops lines, `flush` does both in order. */
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
  /** A copy is an access of the CPU by its route to the original; the domain is the bounce slot. */
  | { readonly index: number; readonly kind: CopyKind; readonly route: Route; readonly domain: Domain }
  | { readonly index: number; readonly kind: MaintenanceKind; readonly route: null; readonly domain: Domain };

/** One way in which an operation may leave a byte. */
export interface Outcome {
  readonly state: ByteState;
  /** The access observed an older value. */
  readonly stale: boolean;
  /** What the caches on the way chose, in the order in which they were asked; empty when there was no choice. */
  readonly choices: readonly Choice[];
}

/** Outcomes that observe nothing: of those that leave the byte alike, the first, where caches let pass what they can. */
function unobserved(passages: readonly Passage[]): readonly Outcome[] {
  if (passages.length === 1) return passages.map(({ state, choices }) => ({ state, choices, stale: false }));
  const distinct = new Map<ByteState, Outcome>();
  for (const { state, choices } of passages)
    if (!distinct.has(state)) distinct.set(state, { state, choices, stale: false });
  return [...distinct.values()];
}

/** The ways of a port that may allocate. */
const chosen = ({ name }: Domain, allocates: boolean, passages: readonly Passage[]): readonly Passage[] =>
  passages.map(({ state, choices }) => ({ state, choices: [{ domain: name, allocates }, ...choices] }));

type CopyOperation = Extract<Operation, { readonly kind: CopyKind }>;

/** Whether an operation is a copy to or from a bounce slot, or its release. */
export const isCopy = (operation: Operation): operation is CopyOperation =>
  operation.kind === "copy-in" || operation.kind === "copy-out" || operation.kind === "release";

/** Every operation that a topology knows, and what each does to one byte. */
export class OperationTable {
  readonly topology: Topology;
  readonly operations: readonly Operation[];
  readonly #accesses = new Map<string, Operation>();
  readonly #maintenance = new Map<string, Operation>();
  readonly #copies = new Map<string, Operation>();

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
    for (const domain of topology.domains) {
      if (domain.bounce === null) continue;
      const { name } = domain.bounce.cpu;
      const route = topology.route({ route: "cached", domain: name });
      for (const kind of ["copy-in", "copy-out", "release"] as const) {
        const operation = { index: operations.length, kind, route, domain };
        operations.push(operation);
        this.#copies.set(`${kind} ${domain.index}`, operation);
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

  /** The copy of that kind to or from a bounce slot; throws `TypeError` for a domain that is none. */
  copy(kind: CopyKind, slot: Domain): Operation {
    const found = this.#copies.get(`${kind} ${slot.index}`);
    if (found === undefined) throw new TypeError(`domain "${slot.name}" is no bounce slot`);
    return found;
  }

  /** What an operation does to a byte in its range. */
  inRange(operation: Operation, state: ByteState): readonly Outcome[] {
    if (isCopy(operation)) return unobserved(slotCopied(operation.kind, state, operation.domain));
    const { domain, route } = operation;
    // Past a mapping the bounce buffer's memory stands for other data, if for any.
    if (domain !== null && !canFill(state, domain)) return unobserved([{ state, choices: noChoices }]);
    if (route === null) return this.#maintained(operation, state);
    if (operation.kind === "read") return this.#read(route, state);
    const store = (before: ByteState, place: Domain | null): ByteState =>
      stored(before, place, this.topology.domains);
    return this.#write(route, domain, state, store);
  }

  /** What an operation does to a byte that is not in its range, but in a line of its domain that the range touches. */
  neighbour(operation: Operation, state: ByteState): readonly Outcome[] {
    if (isCopy(operation)) return unobserved(besideSlotCopy(operation.kind, state, operation.domain));
    const { domain, route } = operation;
    if (domain === null || !canFill(state, domain)) return unobserved([{ state, choices: noChoices }]);
    if (route === null) return this.#maintained(operation, state);
    if (operation.kind === "write") return this.#write(route, domain, state, besides);
    return unobserved(route.kind === "cached" ? filled(state, domain) : [{ state, choices: noChoices }]);
  }

  #read({ kind, domain }: Route, state: ByteState): readonly Outcome[] {
    if (kind !== "cached" || domain === null)
      return [{ state, stale: observesStale(state, domain), choices: noChoices }];
    return unobserved(filled(state, domain)).map((each) => ({
      ...each,
      stale: isStale(copyOf(each.state, domain)),
    }));
  }

  #write(
    { kind }: Route,
    domain: Domain | null,
    state: ByteState,
    land: (state: ByteState, place: Domain | null) => ByteState,
  ): readonly Outcome[] {
    if (domain === null) return unobserved([{ state: land(state, null), choices: noChoices }]);
    const cached = (): readonly Passage[] =>
      filled(state, domain).map((each) => ({ ...each, state: land(each.state, domain) }));
    if (kind === "cached") return unobserved(cached());
    const snooped = followedBy(writtenBack(state, domain), (before) =>
      written(dropped(before, domain), domain.behind, land),
    );
    if (kind === "snoop") return unobserved(snooped);
    return unobserved([...chosen(domain, false, snooped), ...chosen(domain, true, cached())]);
  }

  #maintained({ kind, domain }: Operation, state: ByteState): readonly Outcome[] {
    const own = domain as Domain;
    // No cache maintenance reaches what a slot holds: that is memory.
    if (own.bounce !== null) return unobserved([{ state, choices: noChoices }]);
    if (kind === "invalidate") return unobserved([{ state: dropped(state, own), choices: noChoices }]);
    const cleaned = writtenBack(state, own);
    if (kind === "clean") return unobserved(cleaned);
    return unobserved(cleaned.map((each) => ({ ...each, state: dropped(each.state, own) })));
  }
}
