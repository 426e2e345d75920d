// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  deviceWrites,
  type Extents,
  type MemoryType,
  type Plugin,
} from "@dmabuf/core";
import type { DomainSpec, MaintenanceKind } from "@dmabuf/core/coherency";
import { cacheLine } from "./cache-line.ts";
import { cleanRange, invalidateRange } from "./dcache-range.ts";
import { cortexA53LineCost, type LineCost, lineCostOf } from "./line-cost.ts";
import { maintainSegments } from "./segment-maintenance.ts";

/** What differs between arm64 machines. */
export interface Arm64Options {
  /** Bytes of a data cache line, a power of two from 16 to 2048; default 64 (`CTR_EL0.DminLine`, A-5). */
  readonly line?: number;
  /** ns of CPU time a line; what is left out is {@link cortexA53LineCost}. */
  readonly lineCost?: Partial<LineCost>;
}

/** The CPU cluster's caches down to the point of coherency, as one domain. */
const CPU = "cpu";

/** The DMA API's cache maintenance on 64-bit Arm. @see arch/arm64/mm/dma-mapping.c */
class Arm64 implements Arch {
  readonly name = "arm64";
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly cpuDomain = CPU;
  /** No: a device tree has to say `dma-coherent`. */
  readonly dmaDefaultCoherent = false;
  readonly writeBarrier = "dsb st";
  readonly #cache: { readonly domain: string; readonly line: number };
  readonly #cost: LineCost;

  constructor(line: number, cost: LineCost) {
    this.#cache = { domain: CPU, line };
    this.#cost = cost;
    // The linear map is a cacheable alias of all RAM, so lines can be filled at any time.
    this.domains = { [CPU]: { line, speculates: true } };
  }

  /** Cleans, whatever the direction: a dirty line must not land on what the device is about to write. */
  syncForDevice(extents: Extents, _direction: DmaDirection): readonly CacheMaintenance[] {
    return maintainSegments(extents, [{ ...this.#cache, kind: "clean", ofSegment: cleanRange }]);
  }

  /** Invalidates what the device may have written: lines may have been filled meanwhile. */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    if (!deviceWrites(direction)) return [];
    return maintainSegments(extents, [{ ...this.#cache, kind: "invalidate", ofSegment: invalidateRange }]);
  }

  /** Normal non-cacheable either way, which gathers writes (D-31). */
  coherentMemoryType(): MemoryType {
    return "write-combining";
  }

  lineCost(kind: MaintenanceKind): number {
    return this.#cost[kind];
  }
}

/**
 * The 64-bit Arm architecture. Throws `TypeError` for a line that no such machine has, and for a cost that is not more than
 * 0 ns.
 */
export function arm64({ line = 64, lineCost = {} }: Arm64Options = {}): Plugin {
  const cost = lineCostOf("arm64", cortexA53LineCost, lineCost);
  cacheLine("arm64", line, 16, 2048);
  return definePlugin({ name: "@dmabuf/arch-arm:arm64", provides: { arch: () => new Arm64(line, cost) } });
}
