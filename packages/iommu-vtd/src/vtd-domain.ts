// SPDX-License-Identifier: MIT
import { type DmaAddr, KernelError, type PhysAddr } from "@dmabuf/core";
import { IommuProt, type IommuTable, type PageTable, PagingDomain } from "@dmabuf/core/iommu";
import type { Stage } from "./address-space.ts";
import { CacheTags } from "./cache-tags.ts";
import type { AddressWidth, Superpage } from "./paging-levels.ts";

const { READ, WRITE, CACHE } = IommuProt;

/** What a domain's tables are. */
export interface DomainShape {
  readonly stage: Stage;
  readonly width: AddressWidth;
  readonly superpages: readonly Superpage[];
  readonly coherentWalk: boolean;
  /** Whether cacheable mappings snoop, whether or not somebody enforces it. */
  readonly snoopsCacheable: boolean;
}

/** A domain of VT-d: page tables of one of the two formats, for any number of devices and units. @see struct dmar_domain */
export class VtdDomain implements IommuTable {
  readonly table: PageTable;
  readonly shape: DomainShape;
  readonly granule: number;
  readonly end: number;
  readonly deferredFlush = true;
  readonly tags: CacheTags;
  readonly #pages: PagingDomain;
  #forceSnooping = false;
  #hasMappings = false;
  #isFree = false;

  constructor(table: PageTable, shape: DomainShape) {
    const { stage, width } = shape;
    this.table = table;
    this.shape = shape;
    this.tags = new CacheTags(table, stage);
    this.granule = table.granule;
    // First-level addresses are canonical, and what follows the sign bit is the kernel's half.
    this.end = Math.min(2 ** (stage === "first-level" ? width - 1 : width), 2 ** 52);
    this.#pages = new PagingDomain({
      table,
      invalidation: this.tags,
      end: this.end,
      prot: (prot) => this.#entryProt(prot),
    });
  }

  /** Whether a unit without Snoop Control cannot do what this domain asks for. */
  get needsSnoopControl(): boolean {
    return this.#forceSnooping || this.shape.snoopsCacheable;
  }

  /** As `PagingDomain.map`. Throws `KernelError` EINVAL without a read or write permission, too. @see __domain_mapping */
  map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number): void {
    const { unusedTables } = this.table;
    this.#pages.map(iova, phys, size, prot);
    this.#hasMappings = true;
    // Superpages have taken the place of tables, which hardware may still walk (M-70); so it may through those that wait for a
    // lazy flush, and their memory goes with these.
    if (this.table.unusedTables === unusedTables) return;
    if (unusedTables === 0) this.flush(iova, size);
    else this.flushAll();
  }

  unmap(iova: DmaAddr, size: number): number {
    return this.#pages.unmap(iova, size);
  }

  flush(iova: DmaAddr, size: number): void {
    this.#pages.flush(iova, size);
  }

  flushAll(): void {
    this.#pages.flushAll();
  }

  syncMap(iova: DmaAddr, size: number): void {
    this.#pages.syncMap(iova, size);
  }

  lookup(iova: DmaAddr): PhysAddr | null {
    return this.#pages.lookup(iova);
  }

  /** Whether its tables were given back. */
  get isFree(): boolean {
    return this.#isFree;
  }

  /** Gives its tables back; nothing may be attached. @see intel_iommu_domain_free */
  free(): void {
    this.#isFree = true;
    this.table.free();
  }

  /**
   * Makes what devices do through it snoop (M-71). False where a unit that it is attached to has no Snoop Control, and for
   * second-level tables in which something was mapped without. @see intel_iommu_enforce_cache_coherency
   */
  enforceCacheCoherency(): boolean {
    if (this.#forceSnooping) return true;
    const { tags } = this.tags;
    if (tags.some(({ unit }) => !unit.snoopControl)) return false;
    if (this.shape.stage === "second-level" && this.#hasMappings) return false;
    this.#forceSnooping = true;
    if (this.shape.stage === "first-level") for (const tag of tags) tag.unit.enforcePageSnoop(tag);
    return true;
  }

  /** What goes into an entry. What can be written can be read, in both formats (since Linux 5.13). */
  #entryProt(prot: number): number {
    if ((prot & (READ | WRITE)) === 0)
      throw new KernelError("EINVAL", "iommu_map", "neither read nor write is allowed");
    const { stage, snoopsCacheable } = this.shape;
    const snoops = this.#forceSnooping || (snoopsCacheable && (prot & CACHE) !== 0);
    return READ | (prot & WRITE) | (stage === "second-level" && snoops ? CACHE : 0);
  }
}
