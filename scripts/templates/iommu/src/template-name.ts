// SPDX-License-Identifier: MIT
import {
  definePlugin,
  IntervalMap,
  KernelError,
  PAGE_SIZE,
  type PhysAddr,
  type Plugin,
  physAddr,
  type Token,
  token,
} from "@dmabuf/core";

/** Size of the space that devices see: 48 bits, in pages. */
const PAGES = 2 ** 48 / PAGE_SIZE;
const UNMAPPED = -(2 ** 31);

/** One translation context of a template-name IOMMU: device addresses to physical ones, in whole pages. */
export interface TemplateName {
  /** Maps `size` bytes. Throws `KernelError` EINVAL unless everything is whole pages, EEXIST when a page is mapped. */
  map(iova: number, physical: PhysAddr, size: number): void;
  /** Takes back what lies in the range; pages that are not mapped are passed over. */
  unmap(iova: number, size: number): void;
  /** The physical address, or null where the device would fault. */
  translate(iova: number): PhysAddr | null;
}

/** The service that other plugins ask for with `needs`. */
export const TEMPLATE_NAME: Token<TemplateName> = token<TemplateName>("iommu-template-name", "TemplateName");

/** A page table, kept as runs of pages that lie at the same distance from their physical ones. */
class PageTable implements TemplateName {
  /** Physical minus device page number. */
  readonly #distance = new IntervalMap(0, PAGES, UNMAPPED);

  map(iova: number, physical: PhysAddr, size: number): void {
    if (!(size > 0) || [iova, physical, size].some((value) => value % PAGE_SIZE !== 0)) {
      const reason = `[${iova}, ${iova + size}) to ${physical} is not in whole pages of ${PAGE_SIZE} bytes`;
      throw new KernelError("EINVAL", "iommu_map", reason);
    }
    const first = iova / PAGE_SIZE;
    const end = first + size / PAGE_SIZE;
    for (let page = first; page < end; page = this.#distance.runEnd(page)) {
      if (this.#distance.at(page) === UNMAPPED) continue;
      throw new KernelError("EEXIST", "iommu_map", `${page * PAGE_SIZE} is mapped already`);
    }
    this.#distance.set(first, end, physical / PAGE_SIZE - first);
  }

  unmap(iova: number, size: number): void {
    this.#distance.set(Math.floor(iova / PAGE_SIZE), Math.ceil((iova + size) / PAGE_SIZE), UNMAPPED);
  }

  translate(iova: number): PhysAddr | null {
    const distance = this.#distance.at(Math.floor(iova / PAGE_SIZE));
    return distance === UNMAPPED ? null : physAddr(iova + distance * PAGE_SIZE);
  }
}

/** The template-name IOMMU: provides {@link TEMPLATE_NAME}, one context for each running system. */
export const templateName = (): Plugin =>
  definePlugin({
    name: "@dmabuf/iommu-template-name",
    provides: { services: [{ token: TEMPLATE_NAME, create: () => new PageTable() }] },
  });
