// SPDX-License-Identifier: MIT
import { type DmaAddr, PAGE_SIZE, type PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { PageAllocator } from "../memory/page-allocator.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { protOf, translationOf } from "./backend/map-translated.ts";
import type { ContiguousPages, PageSource } from "./contiguous-pages.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";

/** Blocks that are tried, largest first: pages of 2 MiB and of 4 KiB, which the IOMMU has both. */
const ORDERS = [9, 0] as const;

/** What an allocation is for. */
export interface PagesRequest {
  readonly device: DmaDevice;
  /** Bytes, whole pages. */
  readonly size: number;
  readonly direction: DmaDirection;
  readonly attributes: DmaAttributes;
  /** Whether the pages may lie anywhere. */
  readonly scattered: boolean;
  /** The call as messages name it. */
  readonly operation: string;
}

/** Pages that a device sees at one address. */
export interface TakenPages {
  readonly extents: Extents;
  readonly dmaAddress: number;
  readonly source: PageSource;
  /** Unmaps and frees them. */
  readonly release: () => void;
}

/** Pages for a device behind an IOMMU, from anywhere, in one range of its addresses (I-12). */
export class TranslatedPages {
  readonly #pages: PageAllocator;
  readonly #contiguous: ContiguousPages;

  constructor(memory: PhysicalMemory, contiguous: ContiguousPages) {
    this.#pages = memory.pages;
    this.#contiguous = contiguous;
  }

  /** Throws `KernelError` ENOMEM when there are no pages or no addresses. @see iommu_dma_alloc */
  take(request: PagesRequest): TakenPages {
    const { device, size, scattered, operation, attributes } = request;
    const taken = scattered
      ? this.#scattered(size / PAGE_SIZE, attributes.allocSinglePages === true)
      : this.#together(size);
    if (taken === null) {
      throw new KernelError("ENOMEM", operation, `${device.name}: no ${size} bytes of pages are free`);
    }
    try {
      const { dmaAddress, unmap } = mapWhole(request, taken.extents);
      const release = (): void => {
        unmap();
        taken.free();
      };
      return { ...taken, dmaAddress, release };
    } catch (error) {
      taken.free();
      throw error;
    }
  }

  #together(size: number): { extents: Extents; source: PageSource; free: () => void } | null {
    const taken = this.#contiguous.take(size, () => true);
    if (taken === null) return null;
    const { address, source } = taken;
    const free = (): void => this.#contiguous.give(address, size, source);
    return { extents: Extents.of([address, address + size]), source, free };
  }

  #scattered(
    count: number,
    single: boolean,
  ): { extents: Extents; source: PageSource; free: () => void } | null {
    const blocks: [address: PhysAddr, order: number][] = [];
    const free = (): void => {
      for (const [address, order] of blocks) this.#pages.freePages(address, order);
    };
    for (let left = count; left > 0; ) {
      const block = this.#block(left, single);
      if (block === null) {
        free();
        return null;
      }
      blocks.push(block);
      left -= 2 ** block[1];
    }
    const ranges = blocks.map(([at, order]) => [at, at + PAGE_SIZE * 2 ** order] as const);
    return { extents: Extents.of(...ranges), source: "scattered", free };
  }

  #block(left: number, single: boolean): [address: PhysAddr, order: number] | null {
    for (const order of ORDERS) {
      if (2 ** order > left || (single && order > 0)) continue;
      const address = this.#pages.allocatePages(order);
      if (address !== null) return [address, order];
    }
    return null;
  }
}

/**
 * Maps whole pages, wherever they lie, at one range of the device's addresses, within its coherent mask. Throws `KernelError`
 * ENOMEM when there is none.
 */
export function mapWhole(
  request: Pick<PagesRequest, "device" | "direction" | "attributes" | "operation">,
  { bytes, starts, ends, count }: Extents,
): { dmaAddress: number; unmap: () => void } {
  const { device, operation } = request;
  const translation = translationOf(device);
  const { domain } = translation;
  const iova = domain.iova.allocate(bytes, translation.limit(device.masks.coherent));
  if (iova === null) {
    const reason = `${device.name}: no ${bytes} bytes of I/O virtual addresses in one piece`;
    throw new KernelError("ENOMEM", operation, reason);
  }
  let at: number = iova;
  for (let i = 0; i < count; i++) {
    const [start, end] = [starts[i] as number, ends[i] as number];
    domain.table.map(at as DmaAddr, start as PhysAddr, end - start, protOf(request));
    at += end - start;
  }
  domain.table.syncMap?.(iova, bytes);
  return { dmaAddress: iova, unmap: () => domain.unmap(iova, bytes) };
}
