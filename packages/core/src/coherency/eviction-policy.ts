// SPDX-License-Identifier: MIT
import type { EventKind } from "./spontaneous-event.ts";
import type { Domain } from "./topology.ts";

/** Where a policy may let something happen: one line of one domain. */
export interface EventSite {
  readonly domain: Domain;
  /** Address of a byte in the line. */
  readonly address: number;
}

/** What hardware chooses in one execution of the data machine. */
export interface EvictionPolicy {
  /**
   * Whether the domain takes in a line that it does not hold and may take: of a snooping write through a port that may
   * allocate, or of what a stacked domain in front of it fills, writes back or drops.
   */
  allocates(site: EventSite): boolean;
  /** The events that happen before an operation on these sites, in order; the machine skips impossible ones. */
  before(sites: readonly EventSite[]): Iterable<EventSite & { readonly event: EventKind }>;
}

/** Nothing happens by itself, and no domain takes in what it may let pass. */
export const quiet: EvictionPolicy = { allocates: () => false, before: () => [] };

const kinds: readonly EventKind[] = ["write-back", "drop", "fill"];

/**
 * Seeded chance: at each site, up to three events before each operation, and every other time a domain takes in what it may.
 * The same seed gives the same execution.
 */
export function seeded(seed: number): EvictionPolicy {
  let state = seed >>> 0 || 1;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  return {
    allocates: () => random(2) === 1,
    *before(sites) {
      for (const site of sites) {
        for (let n = random(4); n > 0; n--) yield { ...site, event: kinds[random(3)] as EventKind };
      }
    },
  };
}
