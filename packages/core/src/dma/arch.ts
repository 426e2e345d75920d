// SPDX-License-Identifier: MIT

import type { CpuAddr, PhysAddr } from "../address.ts";
import type { MaintenanceKind } from "../coherency/operation.ts";
import type { DomainSpec, RouteSpec } from "../coherency/topology.ts";
import type { Extents } from "../memory/extents.ts";
import { token } from "../token.ts";
import type { DmaDirection } from "./direction.ts";
import type { MemoryType } from "./memory-type.ts";

/** The platform's architecture. */
export const ARCH = token<Arch>("core", "Arch");

/** One maintenance operation that an architecture asks for, over whole lines of the given ranges. */
export interface CacheMaintenance {
  readonly kind: MaintenanceKind;
  /** Name of the domain, one of {@link Arch.domains}. */
  readonly domain: string;
  readonly extents: Extents;
}

/** What an operation on a whole cache comes to, whatever is in it. */
export interface WholeCacheCost {
  /** Bytes of the lines worked through: what the cache holds at most. */
  readonly bytes: number;
  /** CPU time in ns. */
  readonly ns: number;
}

/** Flushes that drivers do by themselves, past the DMA API. */
export interface DriverFlush {
  /** Writes back and drops the lines of the ranges. */
  range(extents: Extents): readonly CacheMaintenance[];
  /** Writes back and drops everything that the CPUs have in a domain: the domain, and what it comes to. */
  readonly all: WholeCacheCost & { readonly domain: string };
}

/** A cache that is looked up by virtual address, so that one byte can be in it several times. */
export interface VirtualCache {
  /** The domain that an access to a physical page through a virtual address meets; both are addresses of pages. */
  domainAt(virtual: CpuAddr, physical: PhysAddr): string;
  /** Before a device reads what was written through that domain's addresses. @see flush_kernel_vmap_range */
  flushVmapRange(domain: string, extents: Extents): readonly CacheMaintenance[];
  /** Before it is read there after a device wrote it. @see invalidate_kernel_vmap_range */
  invalidateVmapRange(domain: string, extents: Extents): readonly CacheMaintenance[];
}

/**
 * What differs between architectures in the DMA API: which caches the CPU has, and which maintenance hands memory to a
 * device that does not see them and back. Core calls it for devices that are not `dma_coherent`, and for them only.
 */
export interface Arch {
  /** As in `arch/`: `"arm64"`. */
  readonly name: string;
  /** The CPU's coherency domains by name. */
  readonly domains: Readonly<Record<string, DomainSpec>>;
  /** The domain that cached CPU accesses and snooping devices meet first. */
  readonly cpuDomain: string;
  /** Whether a device whose firmware says nothing is coherent (`CONFIG_ARCH_DMA_DEFAULT_COHERENT`). */
  readonly dmaDefaultCoherent: boolean;
  /** Maintenance before the device uses the ranges, in order. @see arch_sync_dma_for_device */
  syncForDevice(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[];
  /** Maintenance before the CPU uses the ranges again, in order. @see arch_sync_dma_for_cpu */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[];
  /** How the CPU sees coherent memory of a device that is not coherent (D-31); default uncached. @see dma_pgprot */
  coherentMemoryType?(writeCombine: boolean): MemoryType;
  /**
   * How accesses through write-combining and uncached mappings reach memory; default direct, past the caches. A processor
   * may look into its caches all the same, since a page can be cached through another mapping.
   */
  readonly uncachedRoute?: RouteSpec;
  /** The instruction that drains write-combining buffers, as messages name it; default the kernel's `wmb()`. */
  readonly writeBarrier?: string;
  /** What drivers may flush by themselves; left out where the architecture offers them nothing. */
  readonly driverFlush?: DriverFlush;
  /** How virtual addresses choose the domain; left out where caches are looked up by physical address. */
  readonly virtualCache?: VirtualCache;
  /**
   * CPU time for one line, in ns; an estimate that the plugin documents. `Infinity` for a kind of operation that the
   * domain does not have.
   */
  lineCost(kind: MaintenanceKind, domain: string): number;
}
