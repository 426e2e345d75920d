// SPDX-License-Identifier: MIT
import type { CpuAddr } from "../address.ts";
import type { MaintenanceCost } from "../coherency/maintenance-cost.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { Route } from "../coherency/topology.ts";
import { inject, injectable } from "../di.ts";
import type { Extents } from "../memory/extents.ts";
import { lineCover } from "../memory/line-cover.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { CPU_BANDWIDTH, MEMORY_MACHINE, PHYSICAL_MEMORY, SIMULATION } from "../service.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { token } from "../token.ts";
import { ARCH, type Arch, type CacheMaintenance, type DriverFlush } from "./arch.ts";
import { cacheMaintenance, cpuAccess, cpuDrain } from "./dma-trace.ts";
import { type MemoryType, memoryTypes } from "./memory-type.ts";
import { viewed } from "./swiotlb/bounce-domain-spec.ts";
import { byDomain } from "./virtual-extents.ts";

/** The CPU of the running system. */
export const CPU = token<Cpu>("core", "Cpu");

/** ns that the CPU waits for its write-combining buffers; an assumption, about one trip to memory. */
const DRAIN_TIME = 100;

/** Through what kind of mapping the CPU reaches memory. */
export interface CpuVia {
  readonly memoryType: MemoryType;
  /** How its accesses reach memory; null: as the memory type says. */
  readonly route: Route | null;
  /** Virtual address of the first byte. */
  readonly address: CpuAddr;
}

/**
 * The CPU's hands: its accesses and its cache maintenance, and the time that they take. A task is charged for what it
 * does and goes on that much later, at `settle` or wherever it sleeps next; a completion handler, which cannot sleep,
 * takes what it owes and finishes later by that much.
 */
@injectable()
export class Cpu {
  /** The route of cached accesses through the kernel's linear map. */
  readonly route: Route;
  /** What a line of maintenance costs, in ns. */
  readonly maintenanceCost: MaintenanceCost;
  readonly #arch: Arch;
  readonly #simulation: Simulation;
  readonly #machine: MemoryMachine;
  readonly #memory: PhysicalMemory;
  readonly #bandwidth: number;
  readonly #uncached: Route;
  #owed = 0;
  #busy = 0;

  constructor(
    @inject(SIMULATION) simulation: Simulation,
    @inject(MEMORY_MACHINE) machine: MemoryMachine,
    @inject(ARCH) arch: Arch,
    @inject(PHYSICAL_MEMORY) memory: PhysicalMemory,
    @inject(CPU_BANDWIDTH) bandwidth: number,
  ) {
    this.#arch = arch;
    this.#simulation = simulation;
    this.#machine = machine;
    this.#memory = memory;
    this.#bandwidth = bandwidth;
    this.route = machine.topology.route({ route: "cached", domain: arch.cpuDomain });
    this.#uncached = machine.topology.route(arch.uncachedRoute ?? { route: "direct" });
    this.maintenanceCost = (kind, domain) => arch.lineCost(kind, viewed(domain));
  }

  /** What drains write-combining buffers, as messages name it. */
  get writeBarrier(): string {
    return this.#arch.writeBarrier ?? "wmb()";
  }

  /** Bytes in a line of its cache. */
  get line(): number {
    return this.route.domain?.line ?? 1;
  }

  /** ns of work so far. */
  get busy(): number {
    return this.#busy;
  }

  /**
   * Performs maintenance in order. `cause` is the sequence number of the event that asks for it, or -1. Throws `TypeError`
   * for an operation that the architecture does not have.
   * @param machine where its effect is followed; default that of buffers
   */
  maintain(
    operations: readonly CacheMaintenance[],
    cause = -1,
    machine: Pick<MemoryMachine, "topology" | "maintain"> = this.#machine,
  ): void {
    for (const { kind, domain: name, extents } of operations) {
      const domain = machine.topology.domain(name);
      const line = this.maintenanceCost(kind, domain);
      if (line === Number.POSITIVE_INFINITY)
        throw new TypeError(`${this.#arch.name} cannot ${kind} lines of ${name}`);
      machine.maintain(kind, domain, extents, this.#emitMaintenance(kind, name, extents, cause));
      this.#spend(lineCover(extents, domain.line).lines * line);
    }
  }

  /**
   * Flushes the lines of the ranges, as drivers do that go past the DMA API. Throws `TypeError` on an architecture that has
   * no such call.
   */
  flushRange(extents: Extents, cause = -1): void {
    this.maintain(this.#driverFlush().range(extents), cause);
  }

  /** Writes back and drops all that the CPUs' caches hold. Throws as `flushRange`. */
  flushAll(cause = -1): void {
    const { domain: name, bytes, ns } = this.#driverFlush().all;
    const domain = this.#machine.topology.domain(name);
    const extents = this.#memory.ram;
    const event = this.#emitMaintenance("flush", name, extents, cause);
    this.#machine.maintain("flush", domain, extents, event, { bytes, cost: ns });
    this.#spend(ns);
  }

  /**
   * Writes back and drops what is cached by the linear map's addresses, before the memory gets another one. The kernel works
   * through the whole cache, of which these are the lines that matter. @see flush_cache_vmap
   */
  flushBeforeVmap(extents: Extents): void {
    const cache = this.#arch.virtualCache;
    if (cache !== undefined) this.maintain(cache.flushVmapRange(this.#arch.cpuDomain, extents));
  }

  /** Makes what was written through virtual addresses visible to devices. @see flush_kernel_vmap_range */
  flushVmapRange(extents: Extents, address: number): void {
    const cache = this.#arch.virtualCache;
    if (cache === undefined) return;
    for (const [domain, part] of byDomain(extents, address, cache))
      this.maintain(cache.flushVmapRange(domain, part));
  }

  /** Drops what is cached by virtual addresses, so that a device's writes are seen. @see invalidate_kernel_vmap_range */
  invalidateVmapRange(extents: Extents, address: number): void {
    const cache = this.#arch.virtualCache;
    if (cache === undefined) return;
    for (const [domain, part] of byDomain(extents, address, cache))
      this.maintain(cache.invalidateVmapRange(domain, part));
  }

  /**
   * Reads or writes memory; `clear` is the write that hands out zeroed pages.
   * @param via the mapping; default the kernel's linear map
   */
  access(kind: AccessKind | "clear", extents: Extents, via: CpuVia | null = null): void {
    const { trace } = this.#simulation;
    const index = kind === "read" ? 0 : kind === "write" ? 1 : 2;
    const type = via?.memoryType ?? "write-back";
    const at = extents.addressAt(0);
    const event = trace.emit(cpuAccess, index, at, extents.bytes, memoryTypes.indexOf(type));
    const does = kind === "read" ? "read" : "write";
    const cache = this.#arch.virtualCache;
    if (via !== null && cache !== undefined && type === "write-back" && via.route === null) {
      for (const [domain, part] of byDomain(extents, via.address, cache)) {
        const route = this.#machine.topology.route({ route: "cached", domain });
        this.#machine.access(route, does, part, event);
      }
    } else {
      const route = via?.route ?? (type === "write-back" ? this.route : this.#uncached);
      this.#machine.access(route, does, extents, event);
    }
    this.#spend((extents.bytes / this.#bandwidth) * 1e9);
  }

  /** Is charged for copying memory: it reads and writes each byte. The copy itself is the memory machine's. */
  chargeCopy(bytes: number): void {
    this.#spend(((2 * bytes) / this.#bandwidth) * 1e9);
  }

  /** Waits until the write-combining buffers have drained: what was written before is in memory then. @see wmb */
  drain(): void {
    this.#simulation.trace.emit(cpuDrain);
    this.#spend(DRAIN_TIME);
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

  #driverFlush(): DriverFlush {
    const { driverFlush, name } = this.#arch;
    if (driverFlush === undefined) throw new TypeError(`${name} offers drivers no cache flush`);
    return driverFlush;
  }

  #emitMaintenance(kind: CacheMaintenance["kind"], domain: string, extents: Extents, cause: number): number {
    const { trace } = this.#simulation;
    const index = kind === "clean" ? 0 : kind === "invalidate" ? 1 : 2;
    const first = extents.addressAt(0);
    return trace.emitCaused(cause, cacheMaintenance, index, trace.intern(domain), first, extents.bytes);
  }

  #spend(ns: number): void {
    const whole = Math.round(ns);
    this.#busy += whole;
    if (this.#simulation.atomic) this.#owed += whole;
    else this.#simulation.charge(whole);
  }
}
