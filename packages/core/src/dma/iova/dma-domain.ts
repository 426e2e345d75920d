// SPDX-License-Identifier: MIT
import { alignDown, alignUp, type DmaAddr, type PhysAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import type { IommuTable } from "../../iommu/iommu-table.ts";
import type { Diagnostics } from "../../sim/diagnostic.ts";
import { FlushQueue, type FlushQueueOptions } from "./flush-queue.ts";
import type { IovaDomain, IovaLimit } from "./iova-domain.ts";
import type { Timers } from "./timers.ts";

/** How a domain unmaps lazily. */
export interface LazyOptions extends FlushQueueOptions {
  /** Whoever makes the timer of the flush queue: the simulation. */
  readonly timers: Timers;
}

/** What a `DmaDomain` is made of. */
export interface DmaDomainOptions {
  readonly iova: IovaDomain;
  readonly table: IommuTable;
  /** Unmap lazily, unless the table cannot or the device is untrusted; default strictly (I-5). @see IOMMU_DOMAIN_DMA_FQ */
  readonly lazy?: LazyOptions;
  /** The devices of the domain are untrusted: always strict (I-5). */
  readonly untrusted?: boolean;
  /** Where the kernel's WARNs go. */
  readonly diagnostics?: Pick<Diagnostics, "warn">;
}

/**
 * A domain that serves the DMA API: addresses are taken, mapped, unmapped and given back (I-5, I-6). Caches and bounce buffers are
 * somebody else's. @see struct iommu_dma_cookie
 */
export class DmaDomain {
  readonly iova: IovaDomain;
  readonly table: IommuTable;
  /** What waits for a flush; null in strict mode. */
  readonly flushQueue: FlushQueue | null;
  readonly #diagnostics: Pick<Diagnostics, "warn"> | undefined;

  constructor({ iova, table, lazy, untrusted = false, diagnostics }: DmaDomainOptions) {
    this.iova = iova;
    this.table = table;
    this.#diagnostics = diagnostics;
    this.flushQueue =
      lazy === undefined || untrusted || !table.deferredFlush
        ? null
        : new FlushQueue(
            {
              timers: lazy.timers,
              flush: () => table.flushAll(),
              release: (frame, frames, cpu) => {
                iova.free((frame * iova.granule) as DmaAddr, frames * iova.granule, cpu);
              },
            },
            lazy,
          );
  }

  /** Whether unmapped pages stay reachable until the next flush. */
  get isLazy(): boolean {
    return this.flushQueue !== null;
  }

  /** Whether an address was unmapped and stays reachable until the next flush; never in strict mode (I-5). */
  waitsForFlush(address: number): boolean {
    return this.flushQueue?.waits(Math.floor(address / this.iova.granule)) === true;
  }

  /**
   * Maps `size` bytes at any physical address; the bus address has the same offset within the granule. Null when there are no
   * addresses or the table refuses, `DMA_MAPPING_ERROR` in the kernel. @see __iommu_dma_map
   */
  map(phys: PhysAddr, size: number, prot: number, limit: IovaLimit, cpu = 0): DmaAddr | null {
    const { granule } = this.iova;
    const offset = phys % granule;
    const length = alignUp(offset + size, granule);
    const iova = this.iova.allocate(length, limit, cpu);
    if (iova === null) return null;
    try {
      this.table.map(iova, (phys - offset) as PhysAddr, length, prot);
    } catch (error) {
      this.iova.free(iova, length, cpu);
      if (error instanceof KernelError) return null;
      throw error;
    }
    return (iova + offset) as DmaAddr;
  }

  /**
   * Unmaps what `map` returned, with the same size; WARN when not all of it was mapped. In strict mode the TLB is flushed and
   * then the addresses are free, in lazy mode they wait for a flush. Where more was allocated than is mapped, `allocated` is
   * how much. @see __iommu_dma_unmap
   */
  unmap(address: DmaAddr, size: number, cpu = 0, allocated: number = size): void {
    this.takeOut("__iommu_dma_unmap", address, size);
    const start = this.#startOf(address);
    const length = this.#lengthOf(address, allocated);
    if (this.flushQueue === null) {
      this.flush(address, size);
      this.iova.free(start, length, cpu);
    } else this.flushQueue.queue(start / this.iova.granule, length / this.iova.granule, cpu);
  }

  /** Takes the granules of a range out of the page tables, and nothing else; WARN when not all were mapped. @see iommu_unmap_fast */
  takeOut(operation: string, address: DmaAddr, size: number): void {
    const length = this.#lengthOf(address, size);
    const unmapped = this.table.unmap(this.#startOf(address), length);
    if (unmapped === length) return;
    const text = `0x${address.toString(16)}: only ${unmapped} of ${length} bytes were mapped`;
    this.warn("I-5", operation, text);
  }

  /** Flushes the TLB for the granules of a range. */
  flush(address: DmaAddr, size: number): void {
    this.table.flush(this.#startOf(address), this.#lengthOf(address, size));
  }

  /** Gives the granules of a range back at once; nothing of it may be mapped. */
  release(address: DmaAddr, size: number, cpu = 0): void {
    this.iova.free(this.#startOf(address), this.#lengthOf(address, size), cpu);
  }

  /** Notes what the kernel would WARN about. */
  warn(rule: string, operation: string, text: string): void {
    this.#diagnostics?.warn(rule, operation, text);
  }

  #startOf(address: DmaAddr): DmaAddr {
    return alignDown(address, this.iova.granule) as DmaAddr;
  }

  #lengthOf(address: DmaAddr, size: number): number {
    const { granule } = this.iova;
    return alignUp((address % granule) + size, granule);
  }
}
