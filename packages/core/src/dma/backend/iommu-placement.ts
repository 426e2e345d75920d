// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import type { Trace } from "../../sim/trace.ts";
import type { Arch } from "../arch.ts";
import type { Cpu } from "../cpu.ts";
import type { DmaDirection } from "../direction.ts";
import { busStretches } from "./bus-stretches.ts";
import type { MapRequest, Placement, Reached, ReachingAccess } from "./dma-backend.ts";
import { translatedReach } from "./translated-reach.ts";

/** Whoever performs maintenance and notes what happens. */
export interface PlacementHands {
  readonly arch: Arch;
  readonly cpu: Cpu;
  readonly trace: Trace;
}

/** The addresses that a mapping got. */
export interface PlacedAddresses {
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  /** Unmaps them and gives them back, as the domain does. */
  readonly release: () => void;
}

/** A mapping behind an IOMMU: maintenance goes by the memory (D-8, I-10), the device by its addresses. */
export class IommuPlacement implements Placement {
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  readonly bounced = null;
  readonly #hands: PlacementHands;
  readonly #request: MapRequest;
  readonly #release: () => void;

  constructor(hands: PlacementHands, request: MapRequest, placed: PlacedAddresses) {
    this.#hands = hands;
    this.#request = request;
    this.dmaAddresses = placed.dmaAddresses;
    this.dmaLengths = placed.dmaLengths;
    this.#release = placed.release;
  }

  get nents(): number {
    return this.dmaAddresses.length;
  }

  map(event: number): void {
    const { extents, direction, attributes } = this.#request;
    if (attributes.skipCpuSync !== true) this.syncForDevice(extents, direction, event);
  }

  syncForDevice(part: Extents, direction: DmaDirection, event: number): void {
    const { arch, cpu } = this.#hands;
    if (this.#maintains) cpu.maintain(arch.syncForDevice(part, direction), event);
  }

  syncForCpu(part: Extents, direction: DmaDirection, event: number): void {
    const { arch, cpu } = this.#hands;
    if (this.#maintains) cpu.maintain(arch.syncForCpu(part, direction), event);
  }

  unmap(direction: DmaDirection, skipCpuSync: boolean, event: number): void {
    if (!skipCpuSync) this.syncForCpu(this.#request.extents, direction, event);
    this.#release();
  }

  reached(part: Extents, own: Route, access: ReachingAccess): readonly Reached[] {
    const stretches = busStretches(this, access.offset, part.bytes);
    return translatedReach(this.#request.device, stretches, own, access, this.#hands.trace);
  }

  get #maintains(): boolean {
    const { device, attributes } = this.#request;
    return !device.coherent && attributes.mmio !== true;
  }
}
