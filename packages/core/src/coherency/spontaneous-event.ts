// SPDX-License-Identifier: MIT
import { type ByteState, Copy, copyOf, isDirty, memoryStale, withCopy } from "./byte-state.ts";
import { dropped, writtenBack } from "./operation.ts";
import type { Domain } from "./topology.ts";

/** What hardware may do to a line at any time, any number of times, without being asked. */
export type EventKind = "write-back" | "drop" | "fill";

/** A spontaneous event and the state it leads to. */
export interface SpontaneousEvent {
  readonly event: EventKind;
  readonly domain: Domain;
  readonly state: ByteState;
}

/**
 * The events that may happen to a byte now: a dirty line is written back, a clean line is dropped, an absent line is
 * filled from memory where the domain speculates. A domain that does not evict does neither of the first two.
 */
export function spontaneousEvents(state: ByteState, domains: readonly Domain[]): readonly SpontaneousEvent[] {
  const events: SpontaneousEvent[] = [];
  for (const domain of domains) {
    const copy = copyOf(state, domain);
    if (copy === Copy.absent) {
      if (!domain.speculates) continue;
      const fill = memoryStale(state) ? Copy.cleanStale : Copy.cleanFresh;
      events.push({ event: "fill", domain, state: withCopy(state, domain, fill) });
    } else if (domain.evicts) {
      events.push(
        isDirty(copy)
          ? { event: "write-back", domain, state: writtenBack(state, domain) }
          : { event: "drop", domain, state: dropped(state, domain) },
      );
    }
  }
  return events;
}
