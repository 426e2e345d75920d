// SPDX-License-Identifier: MIT
import type { MemoryMachine } from "../../coherency/memory-machine.ts";
import type { Domain, Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import { IntervalMap } from "../../memory/interval-map.ts";
import type { CacheMaintenance } from "../arch.ts";
import type { Bounce } from "./bounce.ts";
import {
  type BouncingDevice,
  bounceRoute,
  type CpuCaches,
  slotName,
  viewName,
} from "./bounce-domain-spec.ts";
import { onOriginals } from "./slot-maintenance.ts";

/** Addresses of the model. */
const SPACE_END = 2 ** 52;

/**
 * A device's bounce buffers on the coherency engine. Everything is said at the addresses of the originals: the slot is a
 * domain in front of them, which only these copies fill and empty. Live mappings of one device do not overlap; whoever
 * maps asks `overlaps` first.
 */
export class BounceDomain {
  readonly device: string;
  /** How the device reaches what is mapped here, at the addresses of the originals. */
  readonly route: Route;
  readonly #machine: MemoryMachine;
  readonly #slot: Domain;
  readonly #live = new Set<Extents>();
  /** 1 where a byte is mapped. */
  readonly #mapped = new IntervalMap(0, SPACE_END, 0);

  /** The machine's topology has the domains that `bounceDomains` gives for the device; throws `TypeError` otherwise. */
  constructor(machine: MemoryMachine, device: BouncingDevice, cpu: CpuCaches) {
    this.device = device.name;
    this.#machine = machine;
    this.#slot = machine.topology.domain(slotName(device.name));
    this.route = machine.topology.route(bounceRoute(device, cpu));
  }

  /**
   * How accesses go that would reach memory by a route of their own instead of the device's: to the slot, as the caches
   * over it let them.
   */
  routeFor(own: Route): Route {
    const { topology } = this.#machine;
    if (own.domain === null || own.kind === "cached")
      return topology.route({ route: "cached", domain: this.#slot.name });
    const domain = viewName(own.domain.name, this.device);
    if (!this.#has(domain)) return topology.route({ route: "cached", domain: this.#slot.name });
    return topology.route({
      ...{ route: "snoop", domain },
      ...(own.kind === "snoop-allocate" ? { writes: "allocate" } : {}),
    });
  }

  /** Whether some byte of the ranges bounces for this device already: a second slot for it cannot be told from the first. */
  overlaps(extents: Extents): boolean {
    let found = false;
    for (let i = 0; i < extents.pairs.length && !found; i += 2) {
      this.#mapped.forEach(extents.pairs[i] as number, extents.pairs[i + 1] as number, (mapped) => {
        if (mapped === 1) found = true;
      });
    }
    return found;
  }

  /**
   * Maps: the CPU copies the originals into slots that it got, whatever the direction (D-42). Throws `TypeError` for
   * ranges of which some byte is mapped already. `cause` is the sequence number of the event behind it, or -1.
   */
  mapIn(extents: Extents, cause = -1): void {
    if (this.overlaps(extents))
      throw new TypeError(`${this.device} has a bounce buffer for part of these ranges already`);
    this.#live.add(extents);
    this.#mapped.updateEach(extents.pairs, () => 1);
    this.#machine.copy("copy-in", this.#slot, extents, cause);
  }

  /** Copies originals in once more; for the mappings that `copiesFor` says. Maintenance comes after it (D-26). */
  syncForDevice(extents: Extents, cause = -1): void {
    this.#machine.copy("copy-in", this.#slot, extents, cause);
  }

  /** Copies back; for the mappings that `copiesFor` says. Maintenance comes before it (D-26). */
  syncForCpu(extents: Extents, cause = -1): void {
    this.#machine.copy("copy-out", this.#slot, extents, cause);
  }

  /**
   * Unmaps the very ranges that `mapIn` got: copied back or not, what the slots hold stands for nothing afterwards.
   * Throws `TypeError` for ranges that are not mapped.
   */
  unmapOut(extents: Extents, copiesBack: boolean, cause = -1): void {
    if (!this.#live.delete(extents)) throw new TypeError(`${this.device} does not bounce these ranges`);
    this.#mapped.updateEach(extents.pairs, () => 0);
    if (copiesBack) this.#machine.copy("copy-out", this.#slot, extents, cause);
    this.#machine.copy("release", this.#slot, extents, cause);
  }

  /**
   * An architecture's maintenance at the bounce buffers' own addresses, as the engine is to perform it: to be given to
   * `Cpu.maintain`. Empty where the CPU and the device see one thing.
   */
  maintenance(operations: readonly CacheMaintenance[], bounces: readonly Bounce[]): CacheMaintenance[] {
    return onOriginals(operations, bounces, this.device, (name) => this.#has(name));
  }

  #has(name: string): boolean {
    return this.#machine.topology.domains.some((domain) => domain.name === name);
  }
}
