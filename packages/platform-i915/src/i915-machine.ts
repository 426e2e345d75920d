// SPDX-License-Identifier: MIT
import type { X86Options } from "@dmabuf/arch-x86";
import type { BoardDescription, Port, Size } from "@dmabuf/core";

/**
 * How a page-table entry of the GPU asks for caching: `none` past the caches as far as the machine lets it; `llc` in the
 * last-level cache that it shares with the CPUs; `wt` there, with writes going through to memory; `snooped` by looking
 * into the CPUs' caches where it shares none with them. @see enum i915_cache_level
 */
export type GpuCacheLevel = "none" | "llc" | "wt" | "snooped";

/** A machine with an i915 GPU: its board, and what its driver is told about the GPU. */
export interface I915Machine {
  /** Devices `gpu` and `display`, which are one PCI function, `camera`, `usb0` and `nvme0`; stolen memory as a carve-out. */
  readonly board: BoardDescription;
  /** The CPU's caches and flushes. */
  readonly cpu: X86Options;
  /** Whether the GPU shares the CPUs' last-level cache. @see HAS_LLC */
  readonly hasLlc: boolean;
  /** Whether a page-table entry can ask for a snoop, where nothing is shared. @see HAS_SNOOP */
  readonly hasSnoop: boolean;
  /** The cache levels that there are, and how the GPU's accesses under each reach memory. */
  readonly gpuCacheLevels: Readonly<Partial<Record<GpuCacheLevel, Port>>> & { readonly none: Port };
  /** Version of the graphics, 12.7 for 12.70. @see GRAPHICS_VER_FULL */
  readonly graphicsVersion: number;
  /** Bytes of a process's address space on the GPU. */
  readonly ppgtt: Size;
  /** Name of the carve-out that is the GPU's stolen memory. */
  readonly stolen: string;
}
