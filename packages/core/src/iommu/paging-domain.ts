// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import type { IommuTable } from "./iommu-table.ts";
import { nextPages } from "./page-sizes.ts";
import type { PageTable } from "./page-table.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** How the IOMMU of a domain is told what changed. Each is finished when it returns. */
export interface Invalidation {
  /** Forgets a range. @see iotlb_sync */
  range(iova: DmaAddr, size: number): void;
  /** Forgets all of the domain. @see flush_iotlb_all */
  all(): void;
  /** Forgets that pages were not mapped; left out where only what is mapped is remembered (M-73). @see iotlb_sync_map */
  mapped?(iova: DmaAddr, size: number): void;
}

/** What a `PagingDomain` is made of. */
export interface PagingDomainOptions {
  readonly table: PageTable;
  readonly invalidation: Invalidation;
  /** Input addresses are below this; default all that the table translates. */
  readonly end?: number;
  /** Whether it works in lazy mode (default true). */
  readonly deferredFlush?: boolean;
  /** What the driver makes of the flags before they go into a descriptor; default nothing. */
  readonly prot?: (prot: number) => number;
}

/** A domain over page tables (M-10 to M-16): pages as large as fit, all of a mapping or nothing. @see iommu_map, iommu_unmap */
export class PagingDomain implements IommuTable {
  readonly table: PageTable;
  readonly granule: number;
  readonly end: number;
  readonly deferredFlush: boolean;
  readonly #invalidation: Invalidation;
  readonly #prot: (prot: number) => number;

  constructor({
    table,
    invalidation,
    end = table.end,
    deferredFlush = true,
    prot = (as) => as,
  }: PagingDomainOptions) {
    this.table = table;
    this.granule = table.granule;
    this.end = end;
    this.deferredFlush = deferredFlush;
    this.#invalidation = invalidation;
    this.#prot = prot;
  }

  map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number): void {
    this.#check(iova, size, phys);
    const { table } = this;
    const flags = this.#prot(prot);
    let done = 0;
    try {
      while (done < size) {
        const { pageSize, count } = nextPages(table.pageSizes, iova + done, phys + done, size - done);
        const mapped = table.mapPages(iova + done, phys + done, pageSize, count, flags);
        done += mapped * pageSize;
        if (mapped < count)
          throw new KernelError("EEXIST", "iommu_map", `${hex(iova + done)} is mapped already`);
      }
    } catch (error) {
      if (done > 0) {
        this.unmap(iova, done);
        this.flush(iova, done);
      }
      throw error;
    }
  }

  unmap(iova: DmaAddr, size: number): number {
    const { table, granule } = this;
    if (iova < 0 || iova % granule !== 0 || size % granule !== 0) return 0;
    let done = 0;
    while (done < size) {
      const { pageSize, count } = nextPages(table.pageSizes, iova + done, iova + done, size - done);
      const unmapped = table.unmapPages(iova + done, pageSize, count);
      done += unmapped * pageSize;
      if (unmapped < count) break;
    }
    return done;
  }

  flush(iova: DmaAddr, size: number): void {
    if (size === 0) return;
    this.#invalidation.range(iova, size);
    this.table.collect(iova, iova + size);
  }

  flushAll(): void {
    this.#invalidation.all();
    this.table.collect();
  }

  syncMap(iova: DmaAddr, size: number): void {
    if (size > 0) this.#invalidation.mapped?.(iova, size);
  }

  lookup(iova: DmaAddr): PhysAddr | null {
    return iova >= this.end ? null : (this.table.lookup(iova) as PhysAddr | null);
  }

  #check(iova: number, size: number, phys: number): void {
    const { granule } = this;
    for (const [what, value] of [
      ["address", iova],
      ["size", size],
      ["physical address", phys],
    ] as const) {
      if (value % granule === 0 && value >= 0) continue;
      if (value < 0) throw new KernelError("EINVAL", "iommu_map", `${what} ${value} is negative`);
      const reason = `${what} ${hex(value)} is not a multiple of the granule ${granule}`;
      throw new KernelError("EINVAL", "iommu_map", reason);
    }
    if (iova + size > this.end)
      throw new KernelError("EINVAL", "iommu_map", `${hex(iova + size)} is past what is translated`);
  }
}
