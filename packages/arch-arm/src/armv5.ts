// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  type Extents,
  type Plugin,
  type VirtualCache,
} from "@dmabuf/core";
import type { DomainSpec, MaintenanceKind } from "@dmabuf/core/coherency";
import { type CacheTags, ColouredCache } from "./cache-colour.ts";
import { cacheLine } from "./cache-line.ts";
import { cleanRange, flushRange, invalidateRangeV5 } from "./dcache-range.ts";
import { arm926LineCost, type LineCost, lineCostOf } from "./line-cost.ts";
import { type CacheRequest, maintainSegments } from "./segment-maintenance.ts";

/** What differs between ARMv5 machines. */
export interface Armv5Options {
  /** Bytes of a data cache line, a power of two from 16 to 64; default 32, an ARM926EJ-S's. */
  readonly line?: number;
  /** Bytes of a way by bytes of a page, a power of two from 1 to 4; default 2, as of 32 KiB in 4 ways. */
  readonly colours?: number;
  /**
   * `"virtual"`, the default and an ARM926EJ-S: each address but the linear map's is a line of its own. `"physical"`: those of
   * one colour share a line, and with one colour there are no aliases.
   */
  readonly tags?: CacheTags;
  /** ns of CPU time a line; what is left out is {@link arm926LineCost}. */
  readonly lineCost?: Partial<LineCost>;
}

/** The data cache as the linear map's addresses find it. */
const CPU = "cpu";

/** The DMA API's cache maintenance on ARMv5. @see arch/arm/mm/proc-arm926.S */
class Armv5 implements Arch {
  readonly name = "armv5";
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly cpuDomain = CPU;
  /** No: a device tree has to say `dma-coherent`. */
  readonly dmaDefaultCoherent = false;
  readonly virtualCache: VirtualCache;
  readonly #line: number;
  readonly #cost: LineCost;

  constructor(line: number, cost: LineCost, cache: ColouredCache) {
    this.#line = line;
    this.#cost = cost;
    this.virtualCache = cache;
    // These cores fetch what they are told to and nothing else, so a line that was dropped stays away.
    this.domains = Object.fromEntries(
      [CPU, ...cache.aliases].map((name) => [name, { line, speculates: false }]),
    );
  }

  /**
   * By the linear map's addresses: what the device reads is cleaned, what it writes is dropped, and both is both.
   * @see arm926_dma_map_area
   */
  syncForDevice(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    return maintainSegments(extents, [{ domain: CPU, line: this.#line, ...requests[direction] }]);
  }

  /** Nothing: no line can have come back since. @see arm926_dma_unmap_area */
  syncForCpu(_extents: Extents, _direction: DmaDirection): readonly CacheMaintenance[] {
    return [];
  }

  lineCost(kind: MaintenanceKind): number {
    return this.#cost[kind];
  }
}

const requests: Readonly<Record<DmaDirection, Pick<CacheRequest, "kind" | "ofSegment">>> = {
  "to-device": { kind: "clean", ofSegment: cleanRange },
  "from-device": { kind: "invalidate", ofSegment: invalidateRangeV5 },
  bidirectional: { kind: "flush", ofSegment: flushRange },
};

/**
 * 32-bit Arm, version 5, as an ARM926EJ-S: a cache that is looked up by virtual address. The domain `cpu` is what the linear
 * map's addresses find, `cpu-alias-N` what others of colour N do. Throws `TypeError` for a line or a number of colours that no
 * such machine has, and for a cost that is not more than 0 ns.
 */
export function armv5(options: Armv5Options = {}): Plugin {
  const { line = 32, colours = 2, tags = "virtual", lineCost = {} } = options;
  cacheLine("armv5", line, 16, 64);
  if (![1, 2, 4].includes(colours)) throw new TypeError(`armv5: ${colours} colours; a cache has 1, 2 or 4`);
  if (tags !== "virtual" && tags !== "physical") {
    throw new TypeError(`armv5: tags "${tags}" are neither "virtual" nor "physical"`);
  }
  const cost = lineCostOf("armv5", arm926LineCost, lineCost);
  return definePlugin({
    name: "@dmabuf/arch-arm:armv5",
    provides: { arch: () => new Armv5(line, cost, new ColouredCache(CPU, colours, tags)) },
  });
}
