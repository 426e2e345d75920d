// SPDX-License-Identifier: MIT
import { type PhysAddr, physAddr } from "../../src/address.ts";
import type { TableMemory } from "../../src/iommu.ts";

interface Range {
  readonly address: number;
  readonly bytes: number;
}

/** Table memory that keeps what was asked of it, and throws for what nobody may ask. */
export class RecordedTableMemory implements TableMemory {
  readonly inUse = new Map<number, number>();
  readonly writes: Range[] = [];
  readonly syncs: Range[] = [];
  readonly fetches: Range[] = [];
  #next = 0x100_0000;

  allocate(bytes: number): PhysAddr {
    const address = Math.ceil(this.#next / Math.max(bytes, 4096)) * Math.max(bytes, 4096);
    this.#next = address + bytes;
    this.inUse.set(address, bytes);
    return physAddr(address);
  }

  free(address: PhysAddr, bytes: number): void {
    if (this.inUse.get(address) !== bytes) throw new Error(`${address} is freed, and not in use`);
    this.inUse.delete(address);
  }

  wrote(address: PhysAddr, bytes: number): void {
    this.writes.push(this.#within({ address, bytes }));
  }

  sync(address: PhysAddr, bytes: number): void {
    this.syncs.push(this.#within({ address, bytes }));
  }

  fetched(address: PhysAddr, bytes: number): void {
    this.fetches.push(this.#within({ address, bytes }));
  }

  /** Forgets what was written, synced and fetched so far. */
  clear(): void {
    for (const list of [this.writes, this.syncs, this.fetches]) list.length = 0;
  }

  #within(range: Range): Range {
    const { address, bytes } = range;
    for (const [start, size] of this.inUse)
      if (address >= start && address + bytes <= start + size) return range;
    throw new Error(`[${address}, ${address + bytes}) is in no table`);
  }
}
