// SPDX-License-Identifier: MIT
import type { MmuContext } from "./mmu-context.ts";

/**
 * The few address spaces that an MMU has registers for, lent to the many that the driver has: who has waited longest
 * since his last job gives his up.
 * @see panfrost_mmu_as_get, amdgpu_vmid_grab
 */
export class HardwareSlots {
  readonly #first: number;
  /** Who has which slot, whoever ran last at the end. */
  readonly #holders = new Map<MmuContext, number>();
  readonly #free: number[];

  /** @param first number of the first slot */
  constructor(first: number, count: number) {
    this.#first = first;
    this.#free = Array.from({ length: count }, (_, i) => this.#first + i);
  }

  /** The slot that an address space has, or -1. */
  slotOf(context: MmuContext): number {
    return this.#holders.get(context) ?? -1;
  }

  /** The slot for the next job of an address space. */
  take(context: MmuContext): number {
    const slot = this.#holders.get(context) ?? this.#free.shift() ?? this.#evict();
    this.#holders.delete(context);
    this.#holders.set(context, slot);
    return slot;
  }

  /** Takes the slot away that an address space has. */
  release(context: MmuContext): void {
    const slot = this.#holders.get(context);
    if (slot === undefined) return;
    this.#holders.delete(context);
    this.#free.push(slot);
    this.#free.sort((a, b) => a - b);
  }

  #evict(): number {
    const [idlest, slot] = this.#holders.entries().next().value as [MmuContext, number];
    this.#holders.delete(idlest);
    return slot;
  }
}
