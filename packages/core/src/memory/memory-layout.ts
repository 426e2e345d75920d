// SPDX-License-Identifier: MIT
import { alignDown, PAGE_SIZE, parseSize, physAddr, type Size } from "../address.ts";
import { InputError } from "../error.ts";
import { IntervalMap } from "./interval-map.ts";
import type { PoolDescription, SwiotlbMemory } from "./memory-description.ts";
import { formatRange, type Region } from "./region.ts";
import { DMA32_END } from "./zone.ts";

/** What the base and size of a CMA pool are multiples of: a page block of 2 MiB. @see CMA_MIN_ALIGNMENT_BYTES */
const POOL_ALIGNMENT = 2 ** 21;
/** The most RAM that one machine may have, so that a slip in a description does not allocate state without end. */
const MOST_RAM = 4 * 2 ** 40;

/** As the kernel's messages name it. */
const SWIOTLB = "software IO TLB";

const HOLE = -1;
const RAM = 0;

/** A region without its place. */
type Claim = Omit<Region, "base" | "size">;

/** Where a claim may lie: only in RAM that nobody has, only where there is nothing, or entirely in either. */
type Ground = "ram" | "hole" | "either";

/**
 * Who owns which physical addresses while a `PhysicalMemory` is being built. Each claim is checked against those before
 * it, and throws an `InputError` of one line when it is misaligned or overlaps.
 */
export class MemoryLayout {
  readonly #owners = new IntervalMap(0, 2 ** 53, HOLE);
  readonly #claims: Claim[] = [{ name: "System RAM", kind: "ram", structPages: true, linearMap: true }];
  #ramBytes = 0;

  /** Adds a bank of RAM. */
  addRam(place: string, base: number, size: Size): void {
    const end = this.#endOf(place, base, size, PAGE_SIZE);
    this.#ramBytes += end - base;
    if (this.#ramBytes > MOST_RAM) throw new InputError(place, "more than 4 TiB of RAM in one machine");
    this.#own(place, base, end, RAM, "hole", "RAM");
  }

  /** Gives a range to a region. */
  claim(place: string, base: number, size: Size, claim: Claim, ground: Ground): void {
    const end = this.#endOf(place, base, size, PAGE_SIZE);
    this.#own(place, base, end, this.#newOwner(place, claim), ground, claim.name);
  }

  /** Takes a pool out of the RAM that is left, and returns its base and size. */
  claimPool(place: string, { name, base, size, limit }: PoolDescription): { base: number; size: number } {
    const bytes = this.#endOf(place, 0, size, POOL_ALIGNMENT);
    const owner = this.#newOwner(place, { name, kind: "ram", structPages: true, linearMap: true });
    const at = base ?? this.#highest(bytes, limit ?? DMA32_END);
    if (at === undefined) {
      const where = formatRange(0, limit ?? DMA32_END);
      throw new InputError(place, `no ${bytes} contiguous bytes of RAM left within ${where} for ${name}`);
    }
    const end = this.#endOf(place, at, bytes, POOL_ALIGNMENT);
    if (at < DMA32_END && end > DMA32_END) {
      throw new InputError(place, `${name} ${formatRange(at, end)} crosses 4 GiB: a pool lies in one zone`);
    }
    this.#own(place, at, end, owner, "ram", name);
    return { base: at, size: bytes };
  }

  /**
   * Takes memory for bounce buffers out of the RAM that is left, as high as it may lie, and returns its base and size. Null
   * when there is no room; throws `InputError` where its size must be as it is.
   * @see swiotlb_memblock_alloc
   */
  claimSwiotlb({ size, smallest, limits }: SwiotlbMemory): { base: number; size: number } | null {
    const place = "swiotlb";
    for (const limit of limits) {
      const below = (end: number): number => Math.min(end, limit);
      const free = this.freeRam().reduce((sum, [start, end]) => sum + Math.max(0, below(end) - start), 0);
      for (let bytes = size; bytes >= smallest; bytes /= 2) {
        if (smallest < size && bytes * 4 > free) continue;
        const base = this.#highest(bytes, limit, PAGE_SIZE);
        if (base === undefined) continue;
        const owner = this.#newOwner(place, {
          name: SWIOTLB,
          kind: "ram",
          structPages: true,
          linearMap: true,
        });
        this.#own(place, base, base + bytes, owner, "ram", SWIOTLB);
        return { base, size: bytes };
      }
    }
    if (smallest < size) return null;
    throw new InputError(place, `no ${size} contiguous bytes of RAM left below 4 GiB for bounce buffers`);
  }

  /** All regions, ascending; what is left of RAM is one region for each contiguous piece. */
  regions(): Region[] {
    const regions: Region[] = [];
    this.#owners.forEach(0, 2 ** 53, (owner, start, end) => {
      if (owner === HOLE) return;
      regions.push({ ...(this.#claims[owner] as Claim), base: physAddr(start), size: end - start });
    });
    return regions;
  }

  /** The RAM that nobody claimed, as pairs of start and end, ascending. */
  freeRam(): [start: number, end: number][] {
    const free: [number, number][] = [];
    this.#owners.forEach(0, 2 ** 53, (owner, start, end) => {
      if (owner === RAM) free.push([start, end]);
    });
    return free;
  }

  #newOwner(place: string, claim: Claim): number {
    if (this.#claims.some(({ name }) => name === claim.name)) {
      throw new InputError(place, `a second region is named ${claim.name}`);
    }
    return this.#claims.push(claim) - 1;
  }

  #endOf(place: string, base: number, size: Size, alignment: number): number {
    const bytes = parseSize(size, place);
    const unit = alignment === PAGE_SIZE ? "the page size 4096" : "2 MiB, the least alignment of a CMA pool";
    if (bytes === 0) throw new InputError(place, "size is 0");
    if (!(base >= 0 && base % alignment === 0)) {
      throw new InputError(place, `base 0x${base.toString(16)} is not a multiple of ${unit}`);
    }
    if (bytes % alignment !== 0) throw new InputError(place, `size ${size} is not a multiple of ${unit}`);
    if (base + bytes > 2 ** 53 - PAGE_SIZE) {
      throw new InputError(place, `base 0x${base.toString(16)} plus size ${size} is too large`);
    }
    return base + bytes;
  }

  #own(place: string, base: number, end: number, owner: number, ground: Ground, name: string): void {
    const range = formatRange(base, end);
    let underneath: number | undefined;
    this.#owners.update(base, end, (other, start, to) => {
      const part = formatRange(start, to);
      if (other > RAM || (other === RAM && ground === "hole")) {
        throw new InputError(place, `${name} ${range} overlaps ${this.#claims[other]?.name} in ${part}`);
      }
      if (other === HOLE && ground === "ram") {
        throw new InputError(place, `${name} ${range} is not RAM in ${part}`);
      }
      underneath ??= other;
      if (other !== underneath) {
        throw new InputError(place, `${name} ${range} lies partly in RAM and partly outside`);
      }
      return owner;
    });
  }

  /** The highest aligned base below `limit` where `size` bytes of free RAM lie within one zone. */
  #highest(size: number, limit: number, alignment = POOL_ALIGNMENT): number | undefined {
    let highest: number | undefined;
    const consider = (start: number, end: number) => {
      const base = alignDown(Math.min(end, limit) - size, alignment);
      if (base >= start) highest = base;
    };
    for (const [start, end] of this.freeRam()) {
      consider(start, Math.min(end, DMA32_END));
      consider(Math.max(start, DMA32_END), end);
    }
    return highest;
  }
}
