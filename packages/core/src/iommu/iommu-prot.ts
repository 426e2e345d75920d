// SPDX-License-Identifier: MIT

/** What a mapping of an IOMMU allows and how it is done, or-ed together (M-17). @see IOMMU_READ in linux/iommu.h */
export const IommuProt = {
  /** The device may read. */
  READ: 1 << 0,
  /** The device may write. */
  WRITE: 1 << 1,
  /** The device's accesses snoop the CPU's caches. */
  CACHE: 1 << 2,
  /** The device may not fetch instructions. */
  NOEXEC: 1 << 3,
  /** Registers, not memory. */
  MMIO: 1 << 4,
  /** Only privileged accesses. */
  PRIV: 1 << 5,
} as const;
