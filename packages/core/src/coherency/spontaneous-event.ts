// SPDX-License-Identifier: MIT
import { type ByteState, Copy, copyOf, isDirty } from "./byte-state.ts";
import { type Choice, canFill, evicted, filled, type Passage, writtenBack } from "./passage.ts";
import type { Domain } from "./topology.ts";

/** What hardware may do to a line at any time, any number of times, without being asked. */
export type EventKind = "write-back" | "drop" | "fill";

/** A spontaneous event and the state it leads to. */
export interface SpontaneousEvent {
  readonly event: EventKind;
  readonly domain: Domain;
  readonly state: ByteState;
  /** What the caches behind the domain chose, in the order in which they were asked. */
  readonly choices: readonly Choice[];
}

/**
 * The events that may happen to a byte now: a dirty line is written back, a clean line is dropped, an absent line is
 * filled where the domain speculates. A domain that does not evict does neither of the first two.
 */
export function spontaneousEvents(state: ByteState, domains: readonly Domain[]): readonly SpontaneousEvent[] {
  const events: SpontaneousEvent[] = [];
  const add = (event: EventKind, domain: Domain, passages: readonly Passage[]): void => {
    for (const { state: next, choices } of passages) events.push({ event, domain, state: next, choices });
  };
  for (const domain of domains) {
    const copy = copyOf(state, domain);
    if (copy === Copy.absent) {
      if (domain.speculates && canFill(state, domain)) add("fill", domain, filled(state, domain));
    } else if (domain.evicts) {
      if (isDirty(copy)) add("write-back", domain, writtenBack(state, domain));
      else add("drop", domain, evicted(state, domain));
    }
  }
  return events;
}
