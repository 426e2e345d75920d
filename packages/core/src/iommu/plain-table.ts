// SPDX-License-Identifier: MIT
import { alignDown, type DmaAddr, PAGE_SIZE, type PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { IommuProt } from "./iommu-prot.ts";
import type { IommuTable } from "./iommu-table.ts";
import { Tlb } from "./tlb.ts";
import { type DeviceTranslation, refused, type Translation } from "./translation.ts";
import { TranslationRuns } from "./translation-runs.ts";

/** There is one address space. */
const SPACE = 0;
const READ_WRITE = IommuProt.READ | IommuProt.WRITE;

/** What a `PlainTable` is made of. */
export interface PlainTableOptions {
  /** Smallest page in bytes, a power of two (default 4096). */
  readonly granule?: number;
  /** Addresses that it translates are below this (default 2^52). */
  readonly end?: number;
  /** Whether it works in lazy mode (default true). */
  readonly deferredFlush?: boolean;
}

/**
 * Page tables without a format: which page goes where, and a TLB in front. What a device has used stays in the TLB, so it
 * still reaches a page that was unmapped until the range or everything is flushed (I-5). The cost of mapping follows the
 * number of calls, not of pages.
 */
export class PlainTable implements IommuTable, DeviceTranslation {
  readonly granule: number;
  readonly end: number;
  readonly deferredFlush: boolean;
  /** The TLB. */
  readonly tlb: Tlb;
  readonly #pages: TranslationRuns;
  readonly #end: number;

  constructor({ granule = PAGE_SIZE, end = 2 ** 52, deferredFlush = true }: PlainTableOptions = {}) {
    this.granule = granule;
    this.end = end;
    this.deferredFlush = deferredFlush;
    this.#end = end / granule;
    this.#pages = new TranslationRuns(this.#end);
    this.tlb = new Tlb(granule, end);
  }

  /** Bytes that are mapped. */
  get mappedBytes(): number {
    return this.#pages.pageCount * this.granule;
  }

  map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number): void {
    this.#checkAligned(iova, size);
    if (phys % this.granule !== 0) throw this.#unaligned(`physical address 0x${phys.toString(16)}`);
    const [page, end] = this.#pagesOf(iova, size);
    const taken = this.#pages.mappedFrom(page, end);
    if (taken < end)
      throw new KernelError(
        "EEXIST",
        "iommu_map",
        `0x${(taken * this.granule).toString(16)} is mapped already`,
      );
    this.#pages.add(page, end, phys / this.granule, prot);
  }

  unmap(iova: DmaAddr, size: number): number {
    if (iova < 0 || iova % this.granule !== 0 || size % this.granule !== 0) return 0;
    const [page, end] = this.#pagesOf(iova, size);
    const stop = page < this.#end ? this.#pages.holeFrom(page, Math.min(end, this.#end)) : page;
    if (stop > page) this.#pages.clear(page, stop);
    return (stop - page) * this.granule;
  }

  flush(iova: DmaAddr, size: number): void {
    this.tlb.invalidate(SPACE, iova, size);
  }

  flushAll(): void {
    this.tlb.invalidateAll();
  }

  translate(iova: number, access: number): Translation {
    const { granule, tlb } = this;
    const page = Math.floor(iova / granule);
    if (page >= this.#end) return refused("beyond the table", iova);
    const pages = this.#pages;
    const isMapped = pages.has(page);
    if (!tlb.find(SPACE, iova)) {
      if (!isMapped) return refused("not mapped", iova);
      tlb.fill(SPACE, iova, pages.physOf(page) * granule, granule, pages.protOf(page));
    }
    const { address, end, attributes } = tlb;
    if ((access & ~attributes & READ_WRITE) !== 0 || (attributes & ~access & IommuProt.PRIV) !== 0)
      return refused("no permission", iova);
    const isStale =
      !isMapped ||
      pages.physOf(page) * granule !== address - (iova % granule) ||
      pages.protOf(page) !== attributes;
    const missing = isStale ? `an invalidation of 0x${(page * granule).toString(16)}` : null;
    return { fault: null, address, end, snooping: "device", missing };
  }

  lookup(iova: DmaAddr): PhysAddr | null {
    const page = Math.floor(iova / this.granule);
    if (page >= this.#end || !this.#pages.has(page)) return null;
    return (this.#pages.physOf(page) * this.granule + (iova % this.granule)) as PhysAddr;
  }

  /** Flags of what is mapped at an address, 0 where nothing is; the page tables' word, not the TLB's. */
  prot(iova: DmaAddr): number {
    return this.#pages.protOf(Math.floor(iova / this.granule));
  }

  #pagesOf(iova: DmaAddr, size: number): [page: number, end: number] {
    const { granule } = this;
    return [alignDown(iova, granule) / granule, Math.ceil((iova + size) / granule)];
  }

  #checkAligned(iova: DmaAddr, size: number): void {
    if (iova % this.granule !== 0) throw this.#unaligned(`address 0x${iova.toString(16)}`);
    if (size % this.granule !== 0) throw this.#unaligned(`size ${size}`);
    if (iova + size > this.#end * this.granule)
      throw new KernelError(
        "EINVAL",
        "iommu_map",
        `0x${(iova + size).toString(16)} is past what is translated`,
      );
  }

  #unaligned(what: string): KernelError {
    return new KernelError("EINVAL", "iommu_map", `${what} is not a multiple of the granule ${this.granule}`);
  }
}
