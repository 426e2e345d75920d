// SPDX-License-Identifier: MIT
import { Tlb } from "@dmabuf/core/iommu";
import type { PageBlock } from "./invalidation-descriptor.ts";
import { blockSize } from "./page-block.ts";

/** The tag of requests that carry no PASID. */
const NO_PASID = 0;

/**
 * What a device keeps of its translations (ATS): it asks once, and then uses physical addresses until the IOMMU's driver has it
 * forget them (VT-d 4.1; M-72).
 */
export class DeviceTlb {
  readonly #pages = new Tlb(2 ** 12, 2 ** 52);

  /** The translation that it keeps for an address; null for none. */
  find(pasid: number | undefined, address: number): { to: number; end: number; prot: number } | null {
    const pages = this.#pages;
    if (!pages.find(tagOf(pasid), address)) return null;
    return { to: pages.address, end: pages.end, prot: pages.attributes };
  }

  /** Keeps a translation of a block of `size` bytes. */
  keep(pasid: number | undefined, address: number, to: number, size: number, prot: number): void {
    this.#pages.fill(tagOf(pasid), address, to, size, prot);
  }

  /** Forgets what overlaps a block, or everything; of requests without PASID, or of one. */
  invalidate(pasid: number | undefined, block: PageBlock | null): void {
    const tag = tagOf(pasid);
    if (block === null) this.#pages.invalidateTag(tag);
    else this.#pages.invalidate(tag, block.address, blockSize(block));
  }
}

const tagOf = (pasid: number | undefined): number => (pasid === undefined ? NO_PASID : pasid + 1);
