// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import type { Trace } from "../../sim/trace.ts";
import type { DmaDirection } from "../direction.ts";
import type { BounceDomain } from "../swiotlb/bounce-domain.ts";
import type { TakenSlots } from "../swiotlb/take-slots.ts";
import type { BouncedPlacement } from "./bounced-placement.ts";
import { busStretches } from "./bus-stretches.ts";
import type { MapRequest, Placement, Reached, ReachingAccess } from "./dma-backend.ts";
import { splitPart } from "./split-part.ts";
import { translatedReach } from "./translated-reach.ts";

/**
 * A mapping behind an IOMMU of which some entries are copies (I-7): it is handed over as any that bounces, and the device gets at
 * memory and slots by I/O virtual addresses.
 */
export class TranslatedBounce implements Placement {
  readonly #handedOver: BouncedPlacement;
  readonly #request: MapRequest;
  readonly #domain: BounceDomain;
  readonly #trace: Trace;
  /** From the slots back to the originals, ascending by slot. */
  readonly #slots: Parameters<typeof splitPart>[1];

  /** @param taken the entries that bounce */
  constructor(
    handedOver: BouncedPlacement,
    request: MapRequest,
    taken: readonly TakenSlots[],
    domain: BounceDomain,
    trace: Trace,
  ) {
    this.#handedOver = handedOver;
    this.#request = request;
    this.#domain = domain;
    this.#trace = trace;
    this.#slots = taken
      .map(({ bounce }) => bounce)
      .sort((a, b) => a.address - b.address)
      .map((bounce) => ({
        original: bounce.address,
        size: bounce.size,
        addressOf: (address: number) => bounce.originalOf(address),
      }));
  }

  get dmaAddresses(): Float64Array {
    return this.#handedOver.dmaAddresses;
  }

  get dmaLengths(): Float64Array {
    return this.#handedOver.dmaLengths;
  }

  get nents(): number {
    return this.#handedOver.nents;
  }

  get bounced(): Extents {
    return this.#handedOver.bounced;
  }

  map(event: number): void {
    this.#handedOver.map(event);
  }

  syncForDevice(part: Extents, direction: DmaDirection, event: number): void {
    this.#handedOver.syncForDevice(part, direction, event);
  }

  syncForCpu(part: Extents, direction: DmaDirection, event: number): void {
    this.#handedOver.syncForCpu(part, direction, event);
  }

  unmap(direction: DmaDirection, skipCpuSync: boolean, event: number): void {
    this.#handedOver.unmap(direction, skipCpuSync, event);
  }

  within(offset: number, size: number, operation: string): Extents | null {
    return this.#handedOver.within(offset, size, operation);
  }

  reached(part: Extents, own: Route, access: ReachingAccess): readonly Reached[] {
    const { device } = this.#request;
    const stretches = busStretches(this, access.offset, part.bytes);
    return translatedReach(device, stretches, own, access, this.#trace).flatMap(({ route, extents }) => {
      const { direct, slots: originals } = splitPart(extents, this.#slots);
      const reached: Reached[] = [];
      if (direct !== null) reached.push({ route, extents: direct });
      if (originals !== null) reached.push({ route: this.#domain.routeFor(route), extents: originals });
      return reached;
    });
  }
}
