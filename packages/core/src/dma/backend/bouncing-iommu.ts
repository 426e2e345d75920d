// SPDX-License-Identifier: MIT
import type { DmaAddr } from "../../address.ts";
import type { PhysicalMemory } from "../../memory/physical-memory.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { Bounce } from "../swiotlb/bounce.ts";
import type { BounceReason, MappedRange } from "../swiotlb/bounce-reason.ts";
import { freeDomain } from "../swiotlb/free-domain.ts";
import type { Swiotlb } from "../swiotlb/swiotlb.ts";
import { allocateSlots, demandCopyable, notBounced, type TakenSlots } from "../swiotlb/take-slots.ts";
import { BouncedPlacement, type BouncingHands } from "./bounced-placement.ts";
import type { EntryBounce, MapRequest, Placement } from "./dma-backend.ts";
import { IommuPlacement } from "./iommu-placement.ts";
import { mapTranslated, translationOf } from "./map-translated.ts";
import { rangeOf, testEntries } from "./test-entries.ts";
import { TranslatedBounce } from "./translated-bounce.ts";

/**
 * What goes through bounce buffers behind an IOMMU (I-7, I-8): an IOMMU maps whole granules, and an untrusted device shall not see
 * what lies beside a buffer in them. A list is mapped entry by entry then, and nothing is joined.
 */
export class BouncingIommu {
  readonly #hands: BouncingHands;
  readonly #swiotlb: Swiotlb;
  readonly #memory: PhysicalMemory;
  #warned = false;

  constructor(hands: BouncingHands, swiotlb: Swiotlb, memory: PhysicalMemory) {
    this.#hands = hands;
    this.#swiotlb = swiotlb;
    this.#memory = memory;
  }

  /** Whether a request goes this way, though not all of it may bounce. @see dev_use_sg_swiotlb */
  takes(request: MapRequest): boolean {
    const { device, extents } = request;
    if (device.untrusted === true) return true;
    if (!this.#swiotlb.bouncesSmall(device)) return false;
    return extents.starts.some((_, entry) => this.#reason(device, rangeOf(request, entry)) !== null);
  }

  /**
   * Places the entries one by one, and takes everything back when one fails. Throws `KernelError` EIO when there are no
   * slots or no addresses, and without swiotlb, with a WARN once. @see iommu_dma_map_sg_swiotlb
   */
  place(request: MapRequest): Placement {
    const { device, extents } = request;
    const { domain } = translationOf(device);
    const dmaAddresses = new Float64Array(extents.count);
    const dmaLengths = extents.starts.map((start, i) => (extents.ends[i] as number) - start);
    const taken: TakenSlots[] = [];
    const bouncing = this.#swiotlb.of(device);
    let mapped = 0;
    const release = (): void => {
      for (let i = 0; i < mapped; i++) domain.unmap(dmaAddresses[i] as DmaAddr, dmaLengths[i] as number);
    };
    try {
      for (; mapped < extents.count; mapped++) {
        const range = rangeOf(request, mapped);
        const reason = this.#reason(device, range);
        let { start } = range;
        if (reason !== null) {
          const bounce = this.#take(request, range, reason);
          taken.push({ bounce, reason });
          start = bounce.address;
        }
        dmaAddresses[mapped] = mapTranslated(request, start, range.size);
      }
      if (bouncing === null || taken.length === 0) {
        const placed = { dmaAddresses, dmaLengths, table: domain.table, release };
        return new IommuPlacement(this.#hands, request, placed);
      }
      const own = freeDomain(request, bouncing, taken);
      this.#swiotlb.note(device);
      const { pool } = bouncing;
      const slots = { dmaAddresses, taken, pool, domain: own, release };
      const handedOver = new BouncedPlacement(this.#hands, request, slots);
      return new TranslatedBounce(handedOver, request, taken, own, this.#hands.trace);
    } catch (error) {
      release();
      for (const { bounce } of taken) bouncing?.pool.release(bounce.slots);
      throw error;
    }
  }

  testMap(request: MapRequest): readonly EntryBounce[] {
    return testEntries(request, this.#swiotlb, this.#memory, (range) => this.#reason(request.device, range));
  }

  #reason(device: DmaDevice, range: MappedRange): BounceReason | null {
    const { granule } = translationOf(device).domain.table;
    return this.#swiotlb.translatedReason(device, granule, range);
  }

  /** Slots of whole granules, so that nothing else is in them; that the kernel zeroes what is left is nobody's data (0010). */
  #take(request: MapRequest, range: MappedRange, reason: BounceReason): Bounce {
    const { device, operation } = request;
    const bouncing = this.#swiotlb.of(device);
    if (bouncing === null) {
      const text = `${device.name}: bounce buffers are inactive, parts of granules cannot be mapped`;
      if (!this.#warned) this.#hands.diagnostics.warn("I-7", operation, text);
      this.#warned = true;
      throw notBounced(request, range, reason, "bounce buffers are inactive");
    }
    demandCopyable(request, range, reason, this.#memory);
    return allocateSlots(request, range, reason, bouncing, translationOf(device).domain.table.granule - 1);
  }
}
