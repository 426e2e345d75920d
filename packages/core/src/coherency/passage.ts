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
import type { Domain } from "./topology.ts";

/** What a cache did with something that it did not hold and that came by: it took the line in, or let it pass. */
export interface Choice {
  /** Name of the domain. */
  readonly domain: string;
  readonly allocates: boolean;
}

/** One way in which a line moves between a domain and what lies behind it. */
export interface Passage {
  readonly state: ByteState;
  /** What the caches chose, in the order in which they were asked. */
  readonly choices: readonly Choice[];
}

/** Nobody had a choice. */
export const noChoices: readonly Choice[] = [];

const only = (state: ByteState): readonly Passage[] => [{ state, choices: noChoices }];

/** Both answers of a cache that is asked: what comes of letting pass first. */
function asked({ name }: Domain, passes: readonly Passage[], takes: readonly Passage[]): readonly Passage[] {
  const after = (allocates: boolean) => (each: Passage) => ({
    state: each.state,
    choices: [{ domain: name, allocates }, ...each.choices],
  });
  return [...passes.map(after(false)), ...takes.map(after(true))];
}

/** Every way of one thing after every way of another. */
export function followedBy(
  first: readonly Passage[],
  next: (state: ByteState) => readonly Passage[],
): readonly Passage[] {
  return first.flatMap(({ state, choices }) =>
    next(state).map((each) => ({ state: each.state, choices: [...choices, ...each.choices] })),
  );
}

/** Whether what a fetch finds at a domain, or behind it, is an older value; null is memory. */
export function observesStale(state: ByteState, from: Domain | null): boolean {
  if (from === null) return memoryStale(state);
  const copy = copyOf(state, from);
  return copy === Copy.absent ? observesStale(state, from.behind) : isStale(copy);
}

/** Whether there is anything that the domain could be filled from: a bounce slot that is not in use holds none of the byte. */
export const canFill = (state: ByteState, { slot }: Domain): boolean =>
  slot === null || copyOf(state, slot) !== Copy.absent;

/** The domain's line is filled, if it is absent, from the next cache that holds it or from memory. */
export function filled(state: ByteState, domain: Domain): readonly Passage[] {
  if (copyOf(state, domain) !== Copy.absent || !canFill(state, domain)) return only(state);
  const copy = observesStale(state, domain.behind) ? Copy.cleanStale : Copy.cleanFresh;
  return passed(state, domain.behind).map((each) => ({
    ...each,
    state: withCopy(each.state, domain, copy),
  }));
}

/** The caches that a fill comes past: each may take the line in on the way. */
function passed(state: ByteState, through: Domain | null): readonly Passage[] {
  if (through === null || copyOf(state, through) !== Copy.absent) return only(state);
  return asked(through, passed(state, through.behind), filled(state, through));
}

/** The domain's line, if dirty, goes outwards and stays valid. */
export function writtenBack(state: ByteState, domain: Domain): readonly Passage[] {
  const copy = copyOf(state, domain);
  if (!isDirty(copy)) return only(state);
  return deposited(withCopy(state, domain, cleaned(copy)), domain.behind, isStale(copy));
}

/** A whole dirty line arrives: merged where the line is held, else taken in or let past. */
function deposited(state: ByteState, into: Domain | null, stale: boolean): readonly Passage[] {
  if (into === null) return only(withMemory(state, stale));
  const merged = only(withCopy(state, into, stale ? Copy.dirtyStale : Copy.dirtyFresh));
  if (copyOf(state, into) !== Copy.absent) return merged;
  return asked(into, deposited(state, into.behind, stale), merged);
}

/** The domain's line goes away, dirty or not, and nobody takes it. */
export const dropped = (state: ByteState, domain: Domain): ByteState => withCopy(state, domain, Copy.absent);

/** The domain drops a clean line by itself: an exclusive domain behind it that does not hold the line may take it. */
export function evicted(state: ByteState, domain: Domain): readonly Passage[] {
  const gone = dropped(state, domain);
  const { behind } = domain;
  if (behind === null || !behind.exclusive || copyOf(state, behind) !== Copy.absent) return only(gone);
  return asked(behind, only(gone), only(withCopy(gone, behind, copyOf(state, domain))));
}

/** The newest value is stored in the domain's line, which is there; null is memory. */
export function stored(state: ByteState, into: Domain | null, domains: readonly Domain[]): ByteState {
  const others = superseded(state, domains, into !== null, into);
  return into === null ? others : withCopy(others, into, Copy.dirtyFresh);
}

/**
 * A write arrives from in front: it goes into the line where that is held, else the line is filled for it, or it goes
 * past. `land` says what it does to the byte where it ends; null is memory.
 */
export function written(
  state: ByteState,
  into: Domain | null,
  land: (state: ByteState, place: Domain | null) => ByteState,
): readonly Passage[] {
  if (into === null) return only(land(state, null));
  const taken = filled(state, into).map((each) => ({ ...each, state: land(each.state, into) }));
  if (copyOf(state, into) !== Copy.absent) return taken;
  return asked(into, written(state, into.behind, land), taken);
}

/** What a write to another byte of the line does where it ends: a line becomes dirty, memory stays. */
export const besides = (state: ByteState, place: Domain | null): ByteState =>
  place === null ? state : withCopy(state, place, dirtied(copyOf(state, place)));
