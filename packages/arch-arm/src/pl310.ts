// SPDX-License-Identifier: MIT
import type { DomainSpec } from "@dmabuf/core/coherency";
import { type LineCost, lineCostOf, pl310LineCost } from "./line-cost.ts";

/** What differs between machines with a PL310. */
export interface Pl310Options {
  /**
   * Whether a line is in the L1 or here, never in both: it then takes clean lines as well when the L1 drops them. Default
   * false, as on Zynq-7000 and i.MX6. The kernel's order is not safe then: after the outer cache has been
   * invalidated, it can take an old line that the inner one drops before its turn comes.
   */
  readonly exclusive?: boolean;
  /** ns of CPU time a line; what is left out is {@link pl310LineCost}. */
  readonly lineCost?: Partial<LineCost>;
}

/** An outer cache: looked up by physical address, behind the CPUs' own, and not reached by their cache instructions. */
export interface OuterCache {
  readonly domain: DomainSpec;
  readonly lineCost: LineCost;
}

/**
 * Arm's L2C-310 cache controller, lines of 32 bytes. Throws `TypeError` for a cost that is not more than 0 ns.
 * @see arch/arm/mm/cache-l2x0.c
 */
export function pl310({ exclusive = false, lineCost = {} }: Pl310Options = {}): OuterCache {
  return {
    domain: { line: 32, speculates: true, ...(exclusive ? { exclusive } : {}) },
    lineCost: lineCostOf("pl310", pl310LineCost, lineCost),
  };
}
