// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CacheMaintenance,
  type DriverFlush,
  definePlugin,
  type Extents,
  type Plugin,
  parseSize,
  type Size,
} from "@dmabuf/core";
import type { DomainSpec, MaintenanceKind, RouteSpec } from "@dmabuf/core/coherency";
import { flushCost } from "./flush-cost.ts";
import { wholeCacheCost } from "./whole-cache-cost.ts";

/** What differs between x86 machines. */
export interface X86Options {
  /** Whether the CPU has `CLFLUSHOPT`, as from Skylake and Goldmont on; default yes. */
  readonly clflushopt?: boolean;
  /** Whether it has `CLWB`, as Skylake-SP, and from Ice Lake and Tremont on; default no. */
  readonly clwb?: boolean;
  /** The CPU's last-level cache, in bytes or with a unit, whole lines; default 8 MiB. What `WBINVD` costs depends on it. */
  readonly llcSize?: Size;
  /** Bytes of a line, a power of two from 32 to 256 (`CPUID.01H:EBX`, CLFLUSH line size); default 64. */
  readonly line?: number;
  /**
   * Whether the CPU looks into its caches on accesses whose page-table entry says WC or UC (`CPUID.01H:EDX.SS`); default
   * yes. Linux does not believe it of cores up to Sandy Bridge. @see check_memory_type_self_snoop_errata
   */
  readonly selfSnoop?: boolean;
  /** ns of CPU time a line; what is left out is {@link flushCost}, by the instruction that the CPU has. */
  readonly lineCost?: Partial<Readonly<Record<"flush" | "clean", number>>>;
}

/** The caches of all cores and the last-level cache behind them, which are coherent with each other, as one domain. */
const LLC = "llc";

/**
 * The DMA API on x86, which maintains nothing, because DMA snoops, and the flushes of drivers whose devices do
 * not. @see drivers/gpu/drm/drm_cache.c
 */
class X86 implements Arch {
  readonly name = "x86";
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly cpuDomain = LLC;
  readonly dmaDefaultCoherent = true;
  /** A locked operation does as well. */
  readonly writeBarrier = "sfence";
  readonly driverFlush: DriverFlush;
  /** What a WC or UC access that finds a line does to it: as a snoop from outside (SDM 3, table 11-7, note 2). */
  readonly uncachedRoute: RouteSpec;
  readonly #lineCost: Readonly<Record<MaintenanceKind, number>>;

  constructor(
    line: number,
    llcSize: number,
    selfSnoop: boolean,
    lineCost: Readonly<Record<MaintenanceKind, number>>,
  ) {
    this.uncachedRoute = selfSnoop ? { route: "snoop", domain: LLC } : { route: "direct" };
    this.domains = { [LLC]: { line, speculates: true } };
    this.#lineCost = lineCost;
    this.driverFlush = {
      range: (extents) => [{ kind: "flush", domain: LLC, extents }],
      all: { domain: LLC, ...wholeCacheCost(llcSize, line) },
    };
  }

  syncForDevice(_extents: Extents): readonly CacheMaintenance[] {
    return [];
  }

  syncForCpu(_extents: Extents): readonly CacheMaintenance[] {
    return [];
  }

  lineCost(kind: MaintenanceKind): number {
    return this.#lineCost[kind];
  }
}

/**
 * The x86 architecture. Throws `TypeError` for a line that no such machine has, for a last-level cache that is not some whole
 * lines, for a cost that is not more than 0 ns, and for the cost of a clean without `clwb`; `InputError` for a size that
 * is none.
 */
export function x86({
  clflushopt = true,
  clwb = false,
  llcSize = "8MiB",
  line = 64,
  selfSnoop = true,
  lineCost = {},
}: X86Options = {}): Plugin {
  if (!(line >= 32 && line <= 256 && Number.isInteger(Math.log2(line)))) {
    throw new TypeError(`x86: a cache line of ${line} bytes is not a power of two from 32 to 256`);
  }
  const size = parseSize(llcSize, "x86: llcSize");
  if (size === 0 || size % line !== 0) {
    throw new TypeError(`x86: a last-level cache of ${size} bytes is not made of lines of ${line} bytes`);
  }
  for (const [kind, ns] of Object.entries(lineCost)) {
    if (!(ns > 0 && ns < Number.POSITIVE_INFINITY)) {
      throw new TypeError(`x86: ${ns} ns for the ${kind} of a line is not a positive time`);
    }
  }
  if (lineCost.clean !== undefined && !clwb) {
    throw new TypeError("x86: a cost for the clean of a line, which takes clwb: true");
  }
  const cost = {
    flush: clflushopt ? flushCost.clflushopt : flushCost.clflush,
    clean: clwb ? flushCost.clwb : Number.POSITIVE_INFINITY,
    ...lineCost,
    // INVD drops the whole cache; nothing drops a range without writing it back.
    invalidate: Number.POSITIVE_INFINITY,
  };
  return definePlugin({
    name: "@dmabuf/arch-x86:x86",
    provides: { arch: () => new X86(line, size, selfSnoop, cost) },
  });
}
