// SPDX-License-Identifier: MIT
import { type DmaAddr, dmaAddr, KernelError, type PhysAddr } from "@dmabuf/core";
import { type Invalidation, type IommuTable, type PageTable, PagingDomain } from "@dmabuf/core/iommu";

/** What a `MmuContext` is made of. Addresses are the device's own. */
export interface MmuContextOptions {
  readonly table: PageTable;
  readonly invalidation: Invalidation;
  /** First address that is mapped for somebody; default the first page is not. */
  readonly start?: number;
  /** Addresses that are mapped are below this; default all that the tables translate. */
  readonly end?: number;
  /** The device's address of the tables' first page; default 0. */
  readonly base?: number;
}

/**
 * An address space of an MMU inside of a device: page tables, which the device's driver fills with the bus addresses
 * that the DMA API gave it (D23). What changed reaches the MMU by `flush`, or with the next job where the command
 * stream flushes (D24).
 */
export class MmuContext implements IommuTable {
  readonly table: PageTable;
  readonly granule: number;
  readonly start: number;
  readonly end: number;
  readonly deferredFlush = false;
  /** How often the tables changed. @see flush_seq in struct etnaviv_iommu_context */
  changes = 0;
  readonly #domain: PagingDomain;
  readonly #base: number;

  constructor({ table, invalidation, start, end, base = 0 }: MmuContextOptions) {
    const { granule } = table;
    this.table = table;
    this.granule = granule;
    this.start = start ?? base + granule;
    this.end = end ?? base + table.end;
    this.#base = base;
    const mapped = invalidation.mapped?.bind(invalidation);
    this.#domain = new PagingDomain({
      table,
      invalidation: {
        range: (at, size) => invalidation.range(dmaAddr(at + base), size),
        all: () => invalidation.all(),
        ...(mapped === undefined ? {} : { mapped: (at, size) => mapped(dmaAddr(at + base), size) }),
      },
    });
  }

  /** Maps [address, address + size) to bus addresses. Throws as `IommuTable.map`. */
  map(address: DmaAddr, bus: PhysAddr, size: number, prot: number): void {
    this.#demand("map", address, size);
    this.#domain.map(this.#inTable(address), bus, size, prot);
    this.changes++;
  }

  unmap(address: DmaAddr, size: number): number {
    this.#demand("unmap", address, size);
    const unmapped = this.#domain.unmap(this.#inTable(address), size);
    if (unmapped > 0) this.changes++;
    return unmapped;
  }

  flush(address: DmaAddr, size: number): void {
    this.#domain.flush(this.#inTable(address), size);
  }

  flushAll(): void {
    this.#domain.flushAll();
  }

  syncMap(address: DmaAddr, size: number): void {
    this.#domain.syncMap(this.#inTable(address), size);
  }

  lookup(address: DmaAddr): PhysAddr | null {
    return address < this.#base ? null : this.#domain.lookup(this.#inTable(address));
  }

  #inTable(address: number): DmaAddr {
    return dmaAddr(address - this.#base);
  }

  #demand(what: string, address: number, size: number): void {
    if (address >= this.#base && address + size <= this.end) return;
    const range = `[0x${address.toString(16)}, 0x${(address + size).toString(16)})`;
    const space = `[0x${this.#base.toString(16)}, 0x${this.end.toString(16)})`;
    throw new KernelError("EINVAL", `iommu_${what}`, `${range} is not within ${space}`);
  }
}
