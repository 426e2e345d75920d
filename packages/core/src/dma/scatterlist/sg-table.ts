// SPDX-License-Identifier: MIT
import { type DmaAddr, PAGE_SIZE, type PhysAddr, physAddr } from "../../address.ts";
import { Extents } from "../../memory/extents.ts";
import type { DmaSegments } from "./dma-segments.ts";

/** A piece of memory as the CPU addresses it. */
export interface SgEntry {
  readonly address: PhysAddr;
  /** Bytes. */
  readonly length: number;
}

/** A piece of memory as the device addresses it. */
export interface SgSegment {
  readonly address: DmaAddr;
  /** Bytes. */
  readonly length: number;
  /** Whether it is an address on the bus itself (D-24). */
  readonly bus: boolean;
}

/** A page that an entry touches. */
export interface SgPage {
  /** Address of the page. */
  readonly page: PhysAddr;
  /** The entry it belongs to. */
  readonly entry: number;
}

/**
 * A scatterlist: what the CPU sees, `origNents` entries of physical memory in buffer order, and once it is mapped what
 * the device sees, `nents` segments (D-7). The two are walked apart: `entries` and `pages` for the CPU, `segments` for the
 * device. Flat arrays: 12 bytes an entry, and 12 a segment, or 8 where nothing was joined and the lengths are the entries'
 * own. Chaining is not modelled. @see struct sg_table
 */
export class SgTable {
  /** Physical address of each entry's first byte. @see sg_phys */
  readonly addresses: Float64Array;
  /** Bytes of each entry, 1 to 2^32 - 1. */
  readonly lengths: Uint32Array;
  #device: DmaSegments | null = null;

  /** Takes the arrays as they are; throws `TypeError` when they differ in length or are empty. */
  constructor(addresses: Float64Array, lengths: Uint32Array) {
    if (addresses.length !== lengths.length || addresses.length === 0) {
      throw new TypeError(`a scatterlist of ${addresses.length} addresses and ${lengths.length} lengths`);
    }
    this.addresses = addresses;
    this.lengths = lengths;
  }

  /** Entries of the CPU's view; mapping never changes it. */
  get origNents(): number {
    return this.addresses.length;
  }

  /** Segments of the device's view, 1 to `origNents`; 0 while it is not mapped. */
  get nents(): number {
    return this.#device?.count ?? 0;
  }

  /** The device's view, or null while it is not mapped. */
  get device(): DmaSegments | null {
    return this.#device;
  }

  /** Total length in bytes. */
  get bytes(): number {
    return this.lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Gives it a device's view; throws `TypeError` for more segments than entries, or none. */
  map(device: DmaSegments): void {
    if (device.count === 0 || device.count > this.origNents) {
      throw new TypeError(`${device.count} segments for ${this.origNents} entries`);
    }
    this.#device = device;
  }

  /** Takes the device's view away; the CPU's is what it was. */
  unmap(): void {
    this.#device = null;
  }

  /** Bus address of a segment; null from `nents` on, where the kernel has all ones. @see sg_dma_address */
  dmaAddress(segment: number): DmaAddr | null {
    return this.#device?.address(segment) ?? null;
  }

  /** Bytes of a segment; 0 from `nents` on. @see sg_dma_len */
  dmaLength(segment: number): number {
    return this.#device?.length(segment) ?? 0;
  }

  /** The CPU's walk: entry by entry, `origNents` of them. @see for_each_sgtable_sg */
  *entries(): Generator<SgEntry, void, undefined> {
    for (let i = 0; i < this.origNents; i++) {
      yield { address: physAddr(this.addresses[i] as number), length: this.lengths[i] as number };
    }
  }

  /** The CPU's walk page by page; an entry may be of many (D25). @see for_each_sgtable_page */
  *pages(): Generator<SgPage, void, undefined> {
    for (let entry = 0; entry < this.origNents; entry++) {
      const start = this.addresses[entry] as number;
      const end = start + (this.lengths[entry] as number);
      for (let page = start - (start % PAGE_SIZE); page < end; page += PAGE_SIZE) {
        yield { page: physAddr(page), entry };
      }
    }
  }

  /** The device's walk: segment by segment, `nents` of them (D18). @see for_each_sgtable_dma_sg */
  *segments(): Generator<SgSegment, void, undefined> {
    const { device } = this;
    if (device === null) return;
    for (let i = 0; i < device.count; i++) {
      yield {
        address: device.address(i) as DmaAddr,
        length: device.length(i),
        bus: device.bus.has(i),
      };
    }
  }

  /** The CPU's view as ranges, one an entry. */
  toExtents(): Extents {
    const pairs = new Float64Array(this.origNents * 2);
    for (let i = 0; i < this.origNents; i++) {
      pairs[i * 2] = this.addresses[i] as number;
      pairs[i * 2 + 1] = (this.addresses[i] as number) + (this.lengths[i] as number);
    }
    return new Extents(pairs);
  }
}
