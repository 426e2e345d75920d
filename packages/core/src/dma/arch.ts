// SPDX-License-Identifier: MIT

import type { MaintenanceKind } from "../coherency/operation.ts";
import type { DomainSpec } from "../coherency/topology.ts";
import type { Extents } from "../memory/extents.ts";
import { token } from "../token.ts";
import type { DmaDirection } from "./direction.ts";

/** The platform's architecture. */
export const ARCH = token<Arch>("core", "Arch");

/** One maintenance operation that an architecture asks for, over whole lines of the given ranges. */
export interface CacheMaintenance {
  readonly kind: MaintenanceKind;
  /** Name of the domain, one of {@link Arch.domains}. */
  readonly domain: string;
  readonly extents: Extents;
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
  /** CPU time for one line, in ns; an estimate that the plugin documents. */
  lineCost(kind: MaintenanceKind, domain: string): number;
}
