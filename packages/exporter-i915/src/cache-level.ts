// SPDX-License-Identifier: MIT
import type { Port } from "@dmabuf/core";

/**
 * How the GPU caches an object, as its page-table entries say: `none` past the caches as far as the machine lets it,
 * `llc` in the last-level cache that it shares with the CPUs, `wt` there with writes going through to memory, `snooped`
 * by looking into the CPUs' caches where they share none. The kernel calls `llc` and `snooped` by one name.
 * @see enum i915_cache_level
 */
export type CacheLevel = "none" | "llc" | "wt" | "snooped";

/** The levels that a machine has, and how the GPU's accesses under each reach memory. */
export type LevelPorts = Readonly<Partial<Record<CacheLevel, Port>>> & { readonly none: Port };

/** Whether the CPU's caches and an object's GPU accesses agree without anybody flushing (N-1). */
export interface CacheCoherency {
  /** The GPU sees what the CPU has cached. */
  readonly read: boolean;
  /** What the CPU writes needs no flush for anybody, the display included. */
  readonly write: boolean;
}

/** The coherency of an object under a level (N-1). @see i915_gem_object_set_cache_coherency */
export const coherencyOf = (level: CacheLevel, llc: boolean): CacheCoherency =>
  level === "none" ? { read: llc, write: false } : { read: true, write: true };
