// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { AnalysisMachine } from "./analysis-machine.ts";
import type { CopyKind } from "./bounce-slot.ts";
import type { DataMachine } from "./data-machine.ts";
import type { OperationTotal } from "./maintenance-cost.ts";
import type { MemoryMachine } from "./memory-machine.ts";
import type { AccessKind, MaintenanceKind } from "./operation.ts";
import type { Domain, Route, Topology } from "./topology.ts";

/** Both machines at once: one that answers for every execution, one that lives through a single one with real bytes. */
export class MachinePair implements MemoryMachine {
  readonly topology: Topology;
  readonly #analysis: AnalysisMachine;
  readonly #data: DataMachine;

  /** Throws `TypeError` when the two machines have different topologies. */
  constructor(analysis: AnalysisMachine, data: DataMachine) {
    if (analysis.topology !== data.topology)
      throw new TypeError("the two machines have different topologies");
    this.topology = analysis.topology;
    this.#analysis = analysis;
    this.#data = data;
  }

  access(route: Route, kind: AccessKind, extents: Extents, cause = -1): void {
    this.#analysis.access(route, kind, extents, cause);
    this.#data.access(route, kind, extents, cause);
  }

  maintain(
    kind: MaintenanceKind,
    domain: Domain,
    extents: Extents,
    cause = -1,
    total?: OperationTotal,
  ): void {
    this.#analysis.maintain(kind, domain, extents, cause, total);
    this.#data.maintain(kind, domain, extents, cause);
  }

  copy(kind: CopyKind, slot: Domain, extents: Extents, cause = -1): void {
    this.#analysis.copy(kind, slot, extents, cause);
    this.#data.copy(kind, slot, extents, cause);
  }
}
