// SPDX-License-Identifier: MIT
import { PAGE_SIZE, type PhysAddr, physAddr } from "../../address.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { SlotRange } from "./slot-request.ts";
import type { Swiotlb } from "./swiotlb.ts";

/**
 * Pages out of the restricted pool that is a device's own: its coherent memory comes from there and from nowhere else (D-47).
 * @see swiotlb_alloc, swiotlb_free
 */
export class RestrictedPages {
  readonly #swiotlb: Swiotlb;
  /** By their address. */
  readonly #taken = new Map<number, SlotRange>();

  constructor(swiotlb: Swiotlb) {
    this.#swiotlb = swiotlb;
  }

  /** Whether a device has to take its memory here. */
  has(device: DmaDevice): boolean {
    return typeof this.#swiotlb.of(device)?.restricted === "string";
  }

  /** Pages, aligned as their order asks for; null when there are none, or more than a segment has are wanted. */
  take(device: DmaDevice, size: number): PhysAddr | null {
    const allocAlignMask = 2 ** Math.ceil(Math.log2(size / PAGE_SIZE)) * PAGE_SIZE - 1;
    const slots = this.#swiotlb.of(device)?.pool.allocate({ original: NONE, size, allocAlignMask });
    if (slots === undefined || typeof slots === "string") return null;
    this.#taken.set(slots.address, slots);
    return slots.address;
  }

  /** Gives back what `take` returned. */
  give(device: DmaDevice, address: PhysAddr): void {
    const slots = this.#taken.get(address);
    if (slots === undefined) return;
    this.#taken.delete(address);
    this.#swiotlb.of(device)?.pool.release(slots);
  }
}

/** They stand for no other memory. */
const NONE = physAddr(0);
