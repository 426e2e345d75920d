// SPDX-License-Identifier: MIT
import { type PhysAddr, physAddr } from "../../address.ts";
import type { DmaDirection } from "../direction.ts";
import { SLOT_SIZE } from "./slot.ts";
import type { SlotRange } from "./slot-request.ts";

/** The bytes that a copy is about, or why it is not as it was asked for (D-44). */
export interface CopyBounds {
  /** Offset in the mapping of the first byte, and how many are copied; 0 when the copy is ignored. */
  readonly offset: number;
  readonly bytes: number;
  /** `beyond`: it begins past the allocation and is ignored. `overflow`: it ends past it and is cut short. */
  readonly problem: "beyond" | "overflow" | null;
}

/** A live mapping that bounces: which memory it stands for, in which slots. */
export class Bounce {
  /** First byte of the memory that the device cannot use itself. */
  readonly original: PhysAddr;
  /** Bytes that were mapped. */
  readonly size: number;
  readonly direction: DmaDirection;
  readonly slots: SlotRange;

  constructor(original: PhysAddr, size: number, direction: DmaDirection, slots: SlotRange) {
    this.original = original;
    this.size = size;
    this.direction = direction;
    this.slots = slots;
  }

  /** Where the device finds the first byte, as a CPU physical address. */
  get address(): PhysAddr {
    return this.slots.address;
  }

  /**
   * Bytes that the allocation has from the mapping's beginning on: more than were mapped where it is rounded up to the
   * alignment that the caller asked for. @see io_tlb_slot.alloc_size
   */
  get allocSize(): number {
    const { bytes, padding, address } = this.slots;
    return bytes - padding * SLOT_SIZE - (address % SLOT_SIZE);
  }

  /** What a copy of `bytes` bytes from `offset` comes to. It is bounded by the allocation, not by what was mapped. */
  bounds(offset: number, bytes: number): CopyBounds {
    const room = this.allocSize - offset;
    if (offset < 0 || room <= 0) return { offset, bytes: 0, problem: "beyond" };
    return bytes <= room ? { offset, bytes, problem: null } : { offset, bytes: room, problem: "overflow" };
  }

  /** The byte of the bounce buffer that stands for one of the original, and back. */
  addressOf(original: number): PhysAddr {
    return physAddr(this.address + original - this.original);
  }

  originalOf(address: number): PhysAddr {
    return physAddr(this.original + address - this.address);
  }
}
