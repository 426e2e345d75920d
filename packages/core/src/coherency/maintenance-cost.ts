// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "./operation.ts";
import type { Domain } from "./topology.ts";

/** What one line of maintenance costs in a domain, in ns; not negative. */
export type MaintenanceCost = (kind: MaintenanceKind, domain: Domain) => number;

/** Every operation costs 1 a line: counts lines. */
export const lineCount: MaintenanceCost = () => 1;
