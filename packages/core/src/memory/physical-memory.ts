// SPDX-License-Identifier: MIT
import { PAGE_SIZE, physAddr } from "../address.ts";
import { InputError } from "../error.ts";
import { CmaPool } from "./cma-pool.ts";
import { Extents } from "./extents.ts";
import { IntervalMap } from "./interval-map.ts";
import type { MemoryDescription } from "./memory-description.ts";
import { MemoryLayout } from "./memory-layout.ts";
import { PageAllocator } from "./page-allocator.ts";
import type { Region } from "./region.ts";
import type { ScatterOptions } from "./scatter.ts";

const NO_REGION = -1;

/** A machine's physical address space: its regions, the page allocator for its RAM, and its CMA pools. */
export class PhysicalMemory {
  /** All regions, ascending; a CMA pool is a region of its own, and what reservations leave of RAM is `System RAM`. */
  readonly regions: readonly Region[];
  /** All memory that has a cacheable alias in the kernel's linear map. */
  readonly ram: Extents;
  /** The allocator for all RAM that is neither reserved nor in a pool. What the kernel itself would use is not taken off. */
  readonly pages: PageAllocator;
  /** The CMA pools by name, in the order of the description; the first is what Linux calls the default. */
  readonly cma: ReadonlyMap<string, CmaPool>;
  /** An allocator for each carve-out, by name; whoever hands out its memory takes it from here. */
  readonly carveOuts: ReadonlyMap<string, CmaPool>;
  /** First address past all RAM. @see memblock_end_of_DRAM */
  readonly ramEnd: number;
  /** The memory of the bounce buffers; null where there are none. */
  readonly swiotlb: { readonly base: number; readonly size: number } | null;
  readonly #regionAt = new IntervalMap(0, 2 ** 53, NO_REGION);

  /**
   * Throws `InputError`, of one line that names the entry, for a base or size that is not a multiple of the page size (of
   * 2 MiB for a pool), ranges that overlap, reservations and pools that do not lie where they must, two equal names, no
   * RAM or more than 4 TiB.
   * @param options `scatter`: hand out scattered pages, see `ScatterOptions`
   */
  constructor(description: MemoryDescription, options: { readonly scatter?: ScatterOptions } = {}) {
    const layout = new MemoryLayout();
    const { ram, reserved = [], cma = [], device = [] } = description;
    if (ram.length === 0) throw new InputError("memory.ram", "a machine needs RAM");
    ram.forEach(({ base, size }, i) => {
      layout.addRam(`memory.ram[${i}]`, base, size);
    });
    this.ramEnd = Math.max(...layout.freeRam().map(([, end]) => end));
    reserved.forEach(({ name, base, size, kind }, i) => {
      const mapped = kind === "ram";
      const claim = { name, kind, structPages: mapped, linearMap: mapped };
      layout.claim(`memory.reserved[${i}]`, base, size, claim, mapped ? "ram" : "either");
    });
    device.forEach(({ name, base, size, kind, structPages = false, linearMap = false }, i) => {
      if (kind === "mmio" && (structPages || linearMap)) {
        throw new InputError(
          `memory.device[${i}]`,
          `${name} is mmio, which has neither struct pages nor a linear map`,
        );
      }
      layout.claim(`memory.device[${i}]`, base, size, { name, kind, structPages, linearMap }, "hole");
    });
    // Pools with a fixed place come first, so that one without does not take it from them.
    const placed = new Map<string, { base: number; size: number }>();
    for (const fixed of [true, false]) {
      cma.forEach((pool, i) => {
        if ((pool.base !== undefined) === fixed) {
          placed.set(pool.name, layout.claimPool(`memory.cma[${i}]`, pool));
        }
      });
    }
    this.cma = new Map(
      cma.map(({ name }) => {
        const { base, size } = placed.get(name) as { base: number; size: number };
        return [name, new CmaPool(name, physAddr(base), size / PAGE_SIZE)];
      }),
    );
    this.swiotlb = description.swiotlb === undefined ? null : layout.claimSwiotlb(description.swiotlb);
    this.regions = layout.regions();
    const unmapped = this.regions.filter(({ kind }) => kind === "no-map");
    this.carveOuts = new Map(
      unmapped.map(({ name, base, size }) => [name, new CmaPool(name, base, size / PAGE_SIZE)]),
    );
    const mapped = this.regions.filter(({ linearMap }) => linearMap);
    this.ram = Extents.of(...mapped.map(({ base, size }) => [base, base + size] as const));
    this.regions.forEach(({ base, size }, i) => {
      this.#regionAt.set(base, base + size, i);
    });
    this.pages = new PageAllocator(layout.freeRam(), options.scatter);
  }

  /** The region that holds `address`, or undefined where nothing answers. Throws `TypeError` for what is no address. */
  regionAt(address: number): Region | undefined {
    return this.regions[this.#regionAt.at(address)];
  }
}
