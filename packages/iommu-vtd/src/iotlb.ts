// SPDX-License-Identifier: MIT
import { Tlb } from "@dmabuf/core/iommu";
import type { PageBlock } from "./invalidation-descriptor.ts";
import { blockSize } from "./page-block.ts";
import { PagingStructureCache } from "./paging-structure-cache.ts";

/** Addresses of the model are below this. */
const END = 2 ** 52;
const PAGE = 2 ** 12;

/** The tag of a domain's second-level translations. */
export const domainTag = (domain: number): number => domain;

/** The tag of a PASID's first-level translations, within a domain. */
export const pasidTag = (domain: number, pasid: number): number => domain + (pasid + 1) * 2 ** 16;

const domainOf = (tag: number): number => tag % 2 ** 16;

/**
 * The IOTLB and the paging-structure caches behind it, by domain id and PASID (VT-d 6.2.4, 6.2.5). With Caching Mode it keeps
 * second-level pages that are not there as well (M-73).
 */
export class Iotlb {
  /** Translations. */
  readonly pages = new Tlb(PAGE, END);
  /** Pages without one. */
  readonly absent = new Tlb(PAGE, END);
  readonly structures = new PagingStructureCache();

  /** Drops everything (global). */
  invalidateAll(): void {
    this.#drop(() => true);
  }

  /** Drops all of a domain (domain-selective). */
  invalidateDomain(domain: number): void {
    this.#drop((tag) => domainOf(tag) === domain);
  }

  /** Drops all of a tag (PASID-selective). */
  invalidateTag(tag: number): void {
    this.#drop((each) => each === tag);
  }

  /** Drops what overlaps a block (page-selective); tables stay where only leaves have changed. */
  invalidateBlock(tag: number, block: PageBlock, leafOnly: boolean): void {
    const size = blockSize(block);
    this.pages.invalidate(tag, block.address, size);
    this.absent.invalidate(tag, block.address, size);
    if (!leafOnly) this.structures.invalidate(tag, block.address, size);
  }

  #drop(which: (tag: number) => boolean): void {
    this.pages.invalidateTags(which);
    this.absent.invalidateTags(which);
    this.structures.invalidateTags(which);
  }
}
