// SPDX-License-Identifier: MIT

/** What a kernel guarantees of small allocations, in bytes. */
export interface KmallocAlignment {
  /** The most that DMA may need; allocations of twice that and more have it. @see ARCH_DMA_MINALIGN */
  readonly dmaMinAlign: number;
  /** What this machine's caches need. @see dma_get_cache_alignment */
  readonly cacheAlignment: number;
}

/** Sizes between powers of two that small allocations come in. @see kmalloc_info */
const BETWEEN = [96, 192] as const;

/** Bytes that `kmalloc` really hands out for a small size. @see kmalloc_size_roundup */
export function kmallocSize(size: number): number {
  const power = Math.max(8, 2 ** Math.ceil(Math.log2(size)));
  return BETWEEN.find((between) => size <= between && between < power) ?? power;
}

/**
 * Whether memory of this size, were it from `kmalloc`, could share a cache line with somebody else's (D-22). Only the size
 * is looked at: the kernel does not know either where memory came from. @see dma_kmalloc_size_aligned
 */
export function isUnalignedKmalloc(size: number, { dmaMinAlign, cacheAlignment }: KmallocAlignment): boolean {
  return size < 2 * dmaMinAlign && kmallocSize(size) % cacheAlignment !== 0;
}
