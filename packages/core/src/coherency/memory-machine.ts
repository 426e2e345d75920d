// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { CopyKind } from "./bounce-slot.ts";
import type { OperationTotal } from "./maintenance-cost.ts";
import type { AccessKind, MaintenanceKind } from "./operation.ts";
import type { Domain, Route, Topology } from "./topology.ts";

/**
 * Memory and the caches in front of it, as drivers and devices use them. The analysis machine answers for every
 * execution and holds no bytes; the data machine holds bytes and lives through one execution.
 */
export interface MemoryMachine {
  readonly topology: Topology;
  /** Reads or writes the ranges by a route. `cause` is the sequence number of the event behind it, or -1. */
  access(route: Route, kind: AccessKind, extents: Extents, cause?: number): void;
  /**
   * Maintenance of the whole lines that the ranges touch.
   * @param total what it comes to, where that is not so much a line
   */
  maintain(
    kind: MaintenanceKind,
    domain: Domain,
    extents: Extents,
    cause?: number,
    total?: OperationTotal,
  ): void;
  /** The CPU copies the ranges into a bounce slot or out of it, or releases them there. Ranges are the original's. */
  copy(kind: CopyKind, slot: Domain, extents: Extents, cause?: number): void;
}
