// SPDX-License-Identifier: MIT
import { physAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import { Extents } from "../../memory/extents.ts";
import type { PhysicalMemory } from "../../memory/physical-memory.ts";
import type { DmaDevice } from "../dma-device.ts";
import { capable, reachesAll, unreachable } from "../dma-reach.ts";
import { physToDma } from "../dma-window.ts";
import type { BounceDomain } from "../swiotlb/bounce-domain.ts";
import type { BounceReason, MappedRange } from "../swiotlb/bounce-reason.ts";
import { maxMappingSize } from "../swiotlb/slot.ts";
import type { DeviceBouncing, Swiotlb } from "../swiotlb/swiotlb.ts";
import { notBounced, type TakenSlots, takeSlots } from "../swiotlb/take-slots.ts";
import { BouncedPlacement, type BouncingHands } from "./bounced-placement.ts";
import { DirectPlacement } from "./direct-placement.ts";
import type { DmaBackend, EntryBounce, MapRequest, Placement } from "./dma-backend.ts";

/**
 * Direct mapping: a bus address is the physical one as the device's windows show it, nothing is joined (D-20 to D-26). What
 * a device cannot reach is bounced entry by entry, or refused where that is not to be had.
 */
export class DirectDma implements DmaBackend {
  readonly #hands: BouncingHands;
  readonly #swiotlb: Swiotlb;
  readonly #memory: PhysicalMemory;

  constructor(hands: BouncingHands, swiotlb: Swiotlb, memory: PhysicalMemory) {
    this.#hands = hands;
    this.#swiotlb = swiotlb;
    this.#memory = memory;
  }

  /**
   * Throws `KernelError` EIO, and EOPNOTSUPP for memory that the device bounces already, as often as the system was booted for:
   * the kernel gives it one more bounce buffer, which cannot be told from the others here.
   */
  place(request: MapRequest): Placement {
    const { device, extents, attributes, operation } = request;
    if (attributes.requireCoherent === true && !device.coherent) {
      throw new KernelError("EIO", operation, `${device.name} is not coherent, and the mapping must be`);
    }
    const dmaAddresses = new Float64Array(extents.count);
    const taken: TakenSlots[] = [];
    const bouncing = this.#swiotlb.of(device);
    try {
      for (let i = 0; i < extents.count; i++) {
        const range = rangeOf(request, i);
        const reason = this.#swiotlb.reason(device, range);
        if (reason === null) {
          dmaAddresses[i] = physToDma(device.windows, range.start, range.direction) as number;
          continue;
        }
        const slots = this.#take(request, range, reason);
        taken.push(slots);
        dmaAddresses[i] = slots.dmaAddress;
      }
      if (bouncing === null || taken.length === 0)
        return new DirectPlacement(this.#hands, request, dmaAddresses);
      const domain = domainFor(request, bouncing, taken);
      this.#swiotlb.note(device);
      return new BouncedPlacement(this.#hands, request, dmaAddresses, taken, bouncing.pool, domain);
    } catch (error) {
      for (const { bounce } of taken) bouncing?.pool.release(bounce.slots);
      throw error;
    }
  }

  placeResource(request: MapRequest): Placement {
    const { device, extents, attributes, operation } = request;
    const start = extents.addressAt(0);
    const { streaming } = device.masks;
    if (start + extents.bytes - 1 > streaming) {
      throw unreachable(device, start, start + extents.bytes, operation, streaming);
    }
    const mmio = { ...request, attributes: { ...attributes, mmio: true } };
    return new DirectPlacement(this.#hands, mmio, Float64Array.of(start));
  }

  mergeBoundary(): number {
    return 0;
  }

  testMap(request: MapRequest): readonly EntryBounce[] {
    const { device, extents } = request;
    const found: EntryBounce[] = [];
    const largest = maxMappingSize(device.minAlignMask);
    for (let entry = 0; entry < extents.count; entry++) {
      const range = rangeOf(request, entry);
      const reason = this.#swiotlb.reason(device, range);
      if (reason === null) continue;
      const impossible =
        this.#swiotlb.of(device) === null ? "no-pool" : this.#isRam(request, range) ? null : "not-ram";
      found.push({ entry, reason, refused: impossible ?? (range.size > largest ? "too-large" : null) });
    }
    return found;
  }

  /** Where swiotlb is there and may be needed, what a bounce buffer can have. @see dma_direct_max_mapping_size */
  maxMappingSize(device: DmaDevice): number {
    const bouncing = this.#swiotlb.of(device);
    if (bouncing === null) return Number.POSITIVE_INFINITY;
    const reaches = reachesAll(device, this.#memory.ram, device.masks.streaming);
    return bouncing.forced || !reaches ? maxMappingSize(device.minAlignMask) : Number.POSITIVE_INFINITY;
  }

  optMappingSize(device: DmaDevice): number {
    return this.maxMappingSize(device);
  }

  #take(request: MapRequest, range: MappedRange, reason: BounceReason): TakenSlots {
    const { device, attributes, operation } = request;
    const bouncing = this.#swiotlb.of(device);
    if (bouncing === null) throw withoutBuffers(device, range, operation);
    if (!this.#isRam(request, range))
      throw notBounced(request, range, reason, "it is no RAM, which alone can be copied");
    if (attributes.requireCoherent === true)
      throw notBounced(request, range, reason, "the mapping must be coherent, and a copy is not");
    return takeSlots(request, range, reason, bouncing, this.#hands.diagnostics);
  }

  /** Whether the CPU can copy it: memory of other devices is not bounced (D-20). */
  #isRam({ attributes }: MapRequest, { start }: MappedRange): boolean {
    return attributes.mmio !== true && this.#memory.regionAt(start)?.kind === "ram";
  }
}

const rangeOf = ({ extents, direction }: MapRequest, entry: number): MappedRange => {
  const start = physAddr(extents.starts[entry] as number);
  return { start, size: (extents.ends[entry] as number) - start, direction };
};

/** A domain of the device's in which no byte of these has a bounce buffer yet. */
function domainFor(
  { device, operation }: MapRequest,
  { domains }: DeviceBouncing,
  taken: readonly TakenSlots[],
): BounceDomain {
  const sorted = taken.map(({ bounce }) => bounce).sort((a, b) => a.original - b.original);
  const ranges = sorted.map(({ original, size }) => [original, original + size] as const);
  const twice = ranges.some(([start], i) => i > 0 && start < (ranges[i - 1] as readonly [number, number])[1]);
  const extents = Extents.of(...ranges);
  const free = twice ? undefined : domains.find((domain) => !domain.overlaps(extents));
  if (free !== undefined) return free;
  const reason = `${device.name} bounces part of this memory already; the kernel would copy it once more, and the model tells ${domains.length} of its copies apart`;
  throw new KernelError("EOPNOTSUPP", operation, reason);
}

/** The device has no bounce buffers: its memory needs none, or it needs some only since its driver narrowed the mask. */
function withoutBuffers(
  device: DmaDevice,
  { start, size, direction }: MappedRange,
  operation: string,
): KernelError {
  const { streaming, atBoot } = device.masks;
  const error = unreachable(device, start, start + size, operation, streaming);
  if (capable(device, start, start + size, direction, atBoot) === null) return error;
  const hint = `and bounce buffers are for devices that boot with such a mask: set addressBits: ${Math.log2(streaming + 1)} on the board`;
  return new KernelError(error.errno, operation, `${error.reason}, ${hint}`);
}
