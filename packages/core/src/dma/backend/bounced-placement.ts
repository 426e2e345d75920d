// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import type { Diagnostics } from "../../sim/diagnostic.ts";
import type { Trace } from "../../sim/trace.ts";
import type { Arch, CacheMaintenance } from "../arch.ts";
import type { Cpu } from "../cpu.ts";
import type { DmaDirection } from "../direction.ts";
import { swiotlbBounced, swiotlbCopy } from "../dma-trace.ts";
import { physToDma } from "../dma-window.ts";
import { DMA_MAPPING_ERROR } from "../mapping.ts";
import type { Bounce } from "../swiotlb/bounce.ts";
import { copiesFor } from "../swiotlb/bounce-copies.ts";
import type { BounceDomain } from "../swiotlb/bounce-domain.ts";
import type { SwiotlbPool } from "../swiotlb/swiotlb-pool.ts";
import type { TakenSlots } from "../swiotlb/take-slots.ts";
import type { MapRequest, Placement, Reached } from "./dma-backend.ts";
import { type SplitPart, splitPart } from "./split-part.ts";

/** What handing bounced memory over is done with. */
export interface BouncingHands {
  readonly arch: Arch;
  readonly cpu: Cpu;
  readonly trace: Trace;
  readonly diagnostics: Diagnostics;
}

/** Where a mapping with bounce buffers lies. */
export interface BouncedAddresses {
  /** Bus address of each entry. */
  readonly dmaAddresses: Float64Array;
  /** The entries that bounce, at least one. */
  readonly taken: readonly TakenSlots[];
  readonly pool: SwiotlbPool;
  readonly domain: BounceDomain;
  /** Gives bus addresses back that were taken, before anything is copied back; default there are none. */
  readonly release?: () => void;
}

const limits = [
  "forced",
  "dma-mask",
  "bus-dma-limit",
  "dma-ranges",
  "unaligned-kmalloc",
  "untrusted",
] as const;
const ways = ["in", "out", "release"] as const;

/**
 * A mapping of which some entries, or all, are copies in bounce buffers. The rest is handed over as always. Copies
 * come before the maintenance for the device and after that for the CPU (D-26).
 */
export class BouncedPlacement implements Placement {
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  readonly bounced: Extents;
  readonly #hands: BouncingHands;
  readonly #request: MapRequest;
  readonly #taken: readonly TakenSlots[];
  readonly #pool: SwiotlbPool;
  readonly #domain: BounceDomain;
  readonly #release: (() => void) | undefined;
  /** Ascending by their originals. */
  readonly #sorted: readonly Bounce[];
  readonly #whole: SplitPart;

  constructor(hands: BouncingHands, request: MapRequest, addresses: BouncedAddresses) {
    const { dmaAddresses, taken, pool, domain, release } = addresses;
    this.#hands = hands;
    this.#request = request;
    this.#release = release;
    this.dmaAddresses = dmaAddresses;
    const { starts, ends } = request.extents;
    this.dmaLengths = starts.map((start, i) => (ends[i] as number) - start);
    this.#taken = taken;
    this.#pool = pool;
    this.#domain = domain;
    this.#sorted = taken.map(({ bounce }) => bounce).sort((a, b) => a.original - b.original);
    this.#whole = splitPart(request.extents, this.#sorted);
    this.bounced = this.#whole.bounced as Extents;
  }

  get nents(): number {
    return this.dmaAddresses.length;
  }

  map(event: number): void {
    const { direction, attributes } = this.#request;
    for (const each of this.#taken) this.#tell(each, event);
    this.#domain.mapIn(this.bounced, this.#copying("in", this.bounced, event));
    if (attributes.skipCpuSync !== true) this.#maintainForDevice(this.#whole, direction, event);
  }

  syncForDevice(part: Extents, direction: DmaDirection, event: number): void {
    const split = this.#split(part);
    if (split.bounced !== null && copiesFor("sync-for-device", direction) === "in") {
      this.#domain.syncForDevice(split.bounced, this.#copying("in", split.bounced, event));
    }
    this.#maintainForDevice(split, direction, event);
  }

  syncForCpu(part: Extents, direction: DmaDirection, event: number): void {
    const split = this.#split(part);
    this.#maintainForCpu(split, direction, event);
    if (split.bounced !== null && copiesFor("sync-for-cpu", direction) === "out") {
      this.#domain.syncForCpu(split.bounced, this.#copying("out", split.bounced, event));
    }
  }

  unmap(direction: DmaDirection, skipCpuSync: boolean, event: number): void {
    if (!skipCpuSync) this.#maintainForCpu(this.#whole, direction, event);
    this.#release?.();
    const copies = copiesFor("unmap", direction, skipCpuSync) === "out";
    const cause = this.#copying(copies ? "out" : "release", this.bounced, event);
    this.#domain.unmapOut(this.bounced, copies, cause);
    for (const { bounce } of this.#taken) this.#pool.release(bounce.slots);
  }

  reached(part: Extents, own: Route): readonly Reached[] {
    const { direct, bounced } = this.#split(part);
    const reached: Reached[] = [];
    if (direct !== null) reached.push({ route: own, extents: direct });
    if (bounced !== null) reached.push({ route: this.#domain.routeFor(own), extents: bounced });
    return reached;
  }

  within(offset: number, size: number, operation: string): Extents | null {
    const first = this.#taken[0] as TakenSlots;
    const { bytes, problem } = first.bounce.bounds(offset, size);
    if (problem !== null) {
      const what = problem === "beyond" ? "and is ignored" : `and is cut to ${bytes}`;
      const text = `${this.#request.device.name}: a copy of ${size} bytes at ${offset} leaves its bounce buffer of ${first.bounce.allocSize} bytes ${what}`;
      this.#hands.diagnostics.warn("D-44", operation, text);
    }
    return bytes > 0 ? this.#request.extents.slice(offset, bytes) : null;
  }

  #split(part: Extents): SplitPart {
    return part === this.#request.extents ? this.#whole : splitPart(part, this.#sorted);
  }

  #maintainForDevice(split: SplitPart, direction: DmaDirection, event: number): void {
    this.#maintain(split, event, (extents) => this.#hands.arch.syncForDevice(extents, direction));
  }

  #maintainForCpu(split: SplitPart, direction: DmaDirection, event: number): void {
    this.#maintain(split, event, (extents) => this.#hands.arch.syncForCpu(extents, direction));
  }

  #maintain(
    { direct, slots }: SplitPart,
    event: number,
    asks: (extents: Extents) => readonly CacheMaintenance[],
  ): void {
    const { device, attributes } = this.#request;
    if (device.coherent || attributes.mmio === true) return;
    const { cpu } = this.#hands;
    if (direct !== null) cpu.maintain(asks(direct), event);
    if (slots !== null) cpu.maintain(this.#domain.maintenance(asks(slots), this.#sorted), event);
  }

  /** Emits a copy and charges the CPU for it; returns the event's number, the cause of the copy. */
  #copying(kind: (typeof ways)[number], extents: Extents, event: number): number {
    const { trace, cpu } = this.#hands;
    if (kind !== "release") cpu.chargeCopy(extents.bytes);
    const name = trace.intern(this.#request.device.name);
    const [address, bytes] = [extents.addressAt(0), extents.bytes];
    return trace.emitCaused(event, swiotlbCopy, name, ways.indexOf(kind), address, bytes);
  }

  #tell({ bounce, reason }: TakenSlots, event: number): void {
    const { trace } = this.#hands;
    const { device } = this.#request;
    const beyond = reason.kind === "beyond-limit" ? reason : null;
    const limit = limits.indexOf(reason.kind === "beyond-limit" ? reason.limit : reason.kind);
    const { original, size } = bounce;
    const bus = physToDma(device.windows, original, this.#request.direction) ?? DMA_MAPPING_ERROR;
    const [name, mask] = [trace.intern(device.name), device.masks.streaming];
    const force = Number(reason.kind === "forced");
    const bound = beyond?.bound ?? 0;
    trace.emitCaused(event, swiotlbBounced, name, mask, bus, size, force, limit, bound, original);
  }
}
