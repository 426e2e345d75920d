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
import { cleanRange, invalidateRange, type RangeMaintenance } from "./dcache-range.ts";
import { cortexA53LineCost, type LineCost } from "./line-cost.ts";

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
  readonly #line: number;
  readonly #cost: LineCost;

  constructor(line: number, cost: LineCost) {
    this.#line = line;
    this.#cost = cost;
    // The linear map is a cacheable alias of all RAM, so lines can be filled at any time.
    this.domains = { [CPU]: { line, speculates: true } };
  }

  /** Cleans, whatever the direction: a dirty line must not land on what the device is about to write. */
  syncForDevice(extents: Extents, _direction: DmaDirection): readonly CacheMaintenance[] {
    return this.#maintain("clean", extents, cleanRange);
  }

  /** Invalidates what the device may have written: lines may have been filled meanwhile. */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    return deviceWrites(direction) ? this.#maintain("invalidate", extents, invalidateRange) : [];
  }

  lineCost(kind: MaintenanceKind): number {
    return this.#cost[kind];
  }

  #maintain(
    kind: MaintenanceKind,
    extents: Extents,
    ofSegment: RangeMaintenance,
  ): readonly CacheMaintenance[] {
    if (extents.isAligned(this.#line)) return [{ kind, domain: CPU, extents }];
    const { pairs } = extents;
    const operations: CacheMaintenance[] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      operations.push(...ofSegment(pairs[i] as number, pairs[i + 1] as number, this.#line, CPU));
    }
    return operations;
  }
}

/**
 * The 64-bit Arm architecture. Throws `TypeError` for a line that no such machine has, and for a cost that is not more than
 * 0 ns.
 */
export function arm64({ line = 64, lineCost = {} }: Arm64Options = {}): Plugin {
  if (!(line >= 16 && line <= 2048 && Number.isInteger(Math.log2(line)))) {
    throw new TypeError(`arm64: a cache line of ${line} bytes is not a power of two from 16 to 2048`);
  }
  const cost = { ...cortexA53LineCost, ...lineCost };
  for (const [kind, ns] of Object.entries(cost)) {
    if (!(ns > 0 && ns < Number.POSITIVE_INFINITY)) {
      throw new TypeError(`arm64: ${ns} ns for the ${kind} of a line is not a positive time`);
    }
  }
  return definePlugin({ name: "@dmabuf/arch-arm:arm64", provides: { arch: () => new Arm64(line, cost) } });
}
