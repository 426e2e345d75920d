// SPDX-License-Identifier: MIT
import { type PhysAddr, physAddr } from "../address.ts";

/**
 * The memory that page tables lie in, and who gets at it: the CPU writes descriptors, the table walker reads them. Where the
 * walker does not snoop, what the CPU wrote has to be cleaned first (M-30). Addresses and sizes are in bytes.
 */
export interface TableMemory {
  /** Memory for a table, cleared, at a multiple of its size. Throws `KernelError` ENOMEM. */
  allocate(bytes: number): PhysAddr;
  /** Gives a table's memory back. */
  free(address: PhysAddr, bytes: number): void;
  /** The CPU wrote descriptors. */
  wrote(address: PhysAddr, bytes: number): void;
  /** The CPU makes what it wrote visible to a walker that does not snoop. @see dma_sync_single_for_device */
  sync(address: PhysAddr, bytes: number): void;
  /** The walker read a descriptor. */
  fetched(address: PhysAddr, bytes: number): void;
}

/** Table memory that belongs to no machine: addresses that follow each other, and nobody looks. */
export class LooseTableMemory implements TableMemory {
  #next: number;

  constructor(first = 0x1000_0000) {
    this.#next = first;
  }

  allocate(bytes: number): PhysAddr {
    const address = Math.ceil(this.#next / bytes) * bytes;
    this.#next = address + bytes;
    return physAddr(address);
  }

  free(): void {}
  wrote(): void {}
  sync(): void {}
  fetched(): void {}
}
