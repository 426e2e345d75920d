// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "./operation.ts";
import type { Domain } from "./topology.ts";

/**
 * What one line of maintenance costs in a domain, in ns; not negative. `Infinity` says that the domain has no such operation,
 * and then no search chooses it.
 */
export type MaintenanceCost = (kind: MaintenanceKind, domain: Domain) => number;

/** What one operation comes to where counting lines does not tell: that on a whole cache, whatever it holds. */
export interface OperationTotal {
  /** Bytes of the lines worked through. */
  readonly bytes: number;
  /** In the unit of {@link MaintenanceCost}. */
  readonly cost: number;
}

/** Every operation costs 1 a line: counts lines. */
export const lineCount: MaintenanceCost = () => 1;
