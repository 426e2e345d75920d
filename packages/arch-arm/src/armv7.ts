// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  deviceWrites,
  type Extents,
  type Plugin,
} from "@dmabuf/core";
import type { DomainSpec, MaintenanceKind } from "@dmabuf/core/coherency";
import { cacheLine } from "./cache-line.ts";
import { cleanRange, invalidateRangeV7 } from "./dcache-range.ts";
import { cortexA9LineCost, type LineCost, lineCostOf } from "./line-cost.ts";
import type { OuterCache } from "./pl310.ts";
import { type CacheRequest, maintainSegments } from "./segment-maintenance.ts";

/** What differs between ARMv7 machines. */
export interface Armv7Options {
  /** Bytes of an L1 data cache line, a power of two from 16 to 2048; default 32, a Cortex-A9's. */
  readonly line?: number;
  /** The cache behind the CPUs' own, as `pl310()`; default none. */
  readonly outer?: OuterCache;
  /** ns of CPU time a line of L1; what is left out is {@link cortexA9LineCost}. */
  readonly lineCost?: Partial<LineCost>;
}

/** The cores' L1 data caches, which the snoop control unit keeps coherent, as one domain. */
const CPU = "cpu";
const L2 = "l2";

/** The DMA API's cache maintenance on ARMv7. @see arch/arm/mm/dma-mapping.c */
class Armv7 implements Arch {
  readonly name = "armv7";
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly cpuDomain = CPU;
  /** No: a device tree has to say `dma-coherent`. */
  readonly dmaDefaultCoherent = false;
  readonly #outwards: readonly { readonly domain: string; readonly line: number; readonly cost: LineCost }[];

  constructor(line: number, cost: LineCost, outer: OuterCache | null) {
    const inner = { domain: CPU, line, cost };
    if (outer === null) {
      this.domains = { [CPU]: { line, speculates: true } };
      this.#outwards = [inner];
    } else {
      this.domains = { [CPU]: { line, speculates: true, behind: L2 }, [L2]: outer.domain };
      this.#outwards = [inner, { domain: L2, line: outer.domain.line, cost: outer.lineCost }];
    }
  }

  /**
   * What the device will overwrite is dropped, all else is cleaned; inner cache first, so that what it writes back is
   * behind it when the outer one's turn comes. @see __dma_page_cpu_to_dev
   */
  syncForDevice(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    const drops = direction === "from-device";
    return maintainSegments(extents, this.#outwards.map(drops ? invalidate : clean));
  }

  /**
   * What the device may have written is dropped, for the second time, because lines may have been filled meanwhile;
   * outer cache first, so that the inner one cannot be filled from what the outer still holds.
   * @see __dma_page_dev_to_cpu
   */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    if (!deviceWrites(direction)) return [];
    return maintainSegments(extents, this.#outwards.map(invalidate).reverse());
  }

  lineCost(kind: MaintenanceKind, domain: string): number {
    return this.#outwards.find((cache) => cache.domain === domain)?.cost[kind] ?? Number.POSITIVE_INFINITY;
  }
}

interface Cache {
  readonly domain: string;
  readonly line: number;
}

const clean = ({ domain, line }: Cache): CacheRequest => ({
  domain,
  line,
  kind: "clean",
  ofSegment: cleanRange,
});

const invalidate = ({ domain, line }: Cache): CacheRequest => ({
  domain,
  line,
  kind: "invalidate",
  ofSegment: invalidateRangeV7,
});

/**
 * 32-bit Arm, version 7: the domain `cpu`, and with an outer cache `l2` behind it. Throws `TypeError` for a line that no such
 * machine has or the outer cache has not, and for a cost that is not more than 0 ns.
 */
export function armv7({ line = 32, outer, lineCost = {} }: Armv7Options = {}): Plugin {
  cacheLine("armv7", line, 16, 2048);
  if (outer !== undefined && outer.domain.line !== line) {
    throw new TypeError(
      `armv7: lines of ${line} bytes before an outer cache of ${outer.domain.line}; both have one size`,
    );
  }
  const cost = lineCostOf("armv7", cortexA9LineCost, lineCost);
  return definePlugin({
    name: "@dmabuf/arch-arm:armv7",
    provides: { arch: () => new Armv7(line, cost, outer ?? null) },
  });
}
