// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";

/**
 * A paging domain as its owner uses it: page tables, and the invalidation of what IOMMUs remember of them. Sizes and addresses
 * are in bytes and multiples of the granule. @see struct iommu_domain_ops
 */
export interface IommuTable {
  /** Smallest page, in bytes. */
  readonly granule: number;
  /** Addresses that it translates are below this. @see iommu_domain_geometry */
  readonly end: number;
  /** Whether unmapping works without flushing at once, which lazy mode needs. @see IOMMU_CAP_DEFERRED_FLUSH */
  readonly deferredFlush: boolean;
  /**
   * Maps [iova, iova + size) to the physical range from `phys` on, with flags of `IommuProt`. Throws `KernelError` EINVAL for
   * what is not a multiple of the granule or past what it translates, and EEXIST where something is mapped; nothing is mapped then. @see iommu_map
   */
  map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number): void;
  /**
   * Takes out what is mapped from `iova` on, up to the first page that is not or the end of the range; returns so many bytes, and 0
   * for what is no multiple of the granule (M-13). The TLB is left alone. @see iommu_unmap_fast
   */
  unmap(iova: DmaAddr, size: number): number;
  /** Drops the TLB's entries of a range. @see iommu_iotlb_sync */
  flush(iova: DmaAddr, size: number): void;
  /** Drops all entries of the TLB. @see iommu_flush_iotlb_all */
  flushAll(): void;
  /** Makes new mappings known to an IOMMU that remembers pages without one. @see iotlb_sync_map */
  syncMap?(iova: DmaAddr, size: number): void;
  /**
   * Makes all accesses through it snoop, whatever the device asks for, from now on. False where an IOMMU that it is attached to
   * cannot (M-71). @see enforce_cache_coherency
   */
  enforceCacheCoherency?(): boolean;
  /** What the page tables say, without the TLB; null where nothing is mapped. @see iommu_iova_to_phys */
  lookup(iova: DmaAddr): PhysAddr | null;
}
