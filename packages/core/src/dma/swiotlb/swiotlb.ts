// SPDX-License-Identifier: MIT
import { token } from "../../token.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { BounceDomain } from "./bounce-domain.ts";
import { type BounceReason, type MappedRange, wouldBounce, wouldBounceTranslated } from "./bounce-reason.ts";
import type { KmallocAlignment } from "./kmalloc-size.ts";
import type { SwiotlbPool } from "./swiotlb-pool.ts";

/** The bounce buffers of the running system. */
export const SWIOTLB = token<Swiotlb>("core", "Swiotlb");

/** What a device bounces through. */
export interface DeviceBouncing {
  readonly pool: SwiotlbPool;
  /** One for each bounced mapping that the device can have of the same bytes at a time. */
  readonly domains: readonly BounceDomain[];
  /** Whether all its mappings bounce: by the boot option, or since the pool is its own (D-47). */
  readonly forced: boolean;
  /** Name of the restricted pool that is the device's own, of which its coherent memory comes too (D-47); else null. */
  readonly restricted: string | null;
}

/** Who bounces, through which pool, and who has. Devices that can reach all memory are not in it. @see io_tlb_mem */
export class Swiotlb {
  readonly #devices: ReadonlyMap<string, DeviceBouncing>;
  readonly #kmalloc: KmallocAlignment | null;
  readonly #bounced = new Set<string>();

  /** @param kmalloc how small allocations lie, where those that share a cache line bounce (D-22); else null */
  constructor(devices: ReadonlyMap<string, DeviceBouncing>, kmalloc: KmallocAlignment | null) {
    this.#devices = devices;
    this.#kmalloc = kmalloc;
  }

  /** What a device bounces through; null for one that has no bounce buffers. @see is_swiotlb_active */
  of(device: DmaDevice): DeviceBouncing | null {
    return this.#devices.get(device.name) ?? null;
  }

  /** Why mapping a range for a device would bounce, or null where it would not (D-20). */
  reason(device: DmaDevice, range: MappedRange): BounceReason | null {
    const { windows, coherent, masks } = device;
    const forced = this.of(device)?.forced === true;
    const reach = { dmaMask: masks.streaming, windows, coherent, forced };
    return wouldBounce(reach, range, this.#kmallocFor(device));
  }

  /** Why mapping a range through the device's IOMMU would bounce, or null where it would not (I-7). */
  translatedReason(device: DmaDevice, granule: number, range: MappedRange): BounceReason | null {
    const { coherent, untrusted = false } = device;
    return wouldBounceTranslated({ untrusted, coherent, granule }, range, this.#kmallocFor(device));
  }

  /** Whether small mappings of a device bounce for the lines that they may share (D-22). */
  bouncesSmall(device: DmaDevice): boolean {
    return !device.coherent && this.#kmallocFor(device) !== null;
  }

  /** Takes note that a device bounced: from now on its sync calls are never skipped (D-48). */
  note(device: DmaDevice): void {
    this.#bounced.add(device.name);
  }

  /** Whether a device ever bounced. */
  hasBounced(device: DmaDevice): boolean {
    return this.#bounced.has(device.name);
  }

  #kmallocFor(device: DmaDevice): KmallocAlignment | null {
    return this.of(device) === null ? null : this.#kmalloc;
  }
}
