// SPDX-License-Identifier: MIT
import type { MaintenanceCost } from "../coherency/maintenance-cost.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { Route } from "../coherency/topology.ts";
import { inject, injectable } from "../di.ts";
import type { Extents } from "../memory/extents.ts";
import { lineCover } from "../memory/line-cover.ts";
import { CPU_BANDWIDTH, MEMORY_MACHINE, SIMULATION } from "../service.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { token } from "../token.ts";
import { ARCH, type Arch, type CacheMaintenance } from "./arch.ts";
import { cacheMaintenance, cpuAccess } from "./dma-trace.ts";

/** The CPU of the running system. */
export const CPU = token<Cpu>("core", "Cpu");

/**
 * The CPU's hands: its accesses and its cache maintenance, and the time that they take. A task is charged for what it
 * does and goes on that much later, at `settle` or wherever it sleeps next; a completion handler, which cannot sleep,
 * takes what it owes and finishes later by that much.
 */
@injectable()
export class Cpu {
  /** The route of cached accesses. */
  readonly route: Route;
  /** What a line of maintenance costs, in ns. */
  readonly maintenanceCost: MaintenanceCost;
  readonly #simulation: Simulation;
  readonly #machine: MemoryMachine;
  readonly #bandwidth: number;
  #owed = 0;
  #busy = 0;

  constructor(
    @inject(SIMULATION) simulation: Simulation,
    @inject(MEMORY_MACHINE) machine: MemoryMachine,
    @inject(ARCH) arch: Arch,
    @inject(CPU_BANDWIDTH) bandwidth: number,
  ) {
    this.#simulation = simulation;
    this.#machine = machine;
    this.#bandwidth = bandwidth;
    this.route = machine.topology.route({ route: "cached", domain: arch.cpuDomain });
    this.maintenanceCost = (kind, domain) => arch.lineCost(kind, domain.name);
  }

  /** ns of work so far. */
  get busy(): number {
    return this.#busy;
  }

  /** Performs maintenance in order. `cause` is the sequence number of the event that asks for it, or -1. */
  maintain(operations: readonly CacheMaintenance[], cause = -1): void {
    const { trace } = this.#simulation;
    const { topology } = this.#machine;
    for (const { kind, domain: name, extents } of operations) {
      const domain = topology.domain(name);
      const index = kind === "clean" ? 0 : kind === "invalidate" ? 1 : 2;
      const first = extents.addressAt(0);
      const event = trace.emitCaused(
        cause,
        cacheMaintenance,
        index,
        trace.intern(name),
        first,
        extents.bytes,
      );
      this.#machine.maintain(kind, domain, extents, event);
      this.#spend(lineCover(extents, domain.line).lines * this.maintenanceCost(kind, domain));
    }
  }

  /** Reads or writes memory through the cached mapping; `clear` is the write that hands out zeroed pages. */
  access(kind: AccessKind | "clear", extents: Extents): void {
    const { trace } = this.#simulation;
    const index = kind === "read" ? 0 : kind === "write" ? 1 : 2;
    const event = trace.emit(cpuAccess, index, extents.addressAt(0), extents.bytes);
    this.#machine.access(this.route, kind === "read" ? "read" : "write", extents, event);
    this.#spend((extents.bytes / this.#bandwidth) * 1e9);
  }

  /** What atomic context owes, in ns; it is owed no longer. */
  takeOwed(): number {
    const owed = this.#owed;
    this.#owed = 0;
    return owed;
  }

  /** Sleeps off what the current task was charged. */
  *settle(): Process {
    yield 0;
  }

  #spend(ns: number): void {
    const whole = Math.round(ns);
    this.#busy += whole;
    if (this.#simulation.atomic) this.#owed += whole;
    else this.#simulation.charge(whole);
  }
}
