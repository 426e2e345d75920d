// SPDX-License-Identifier: MIT
// The i915 driver: `@dmabuf/exporter-i915`.
export type { AddressSpace } from "./address-space.ts";
export type { Backing, Region } from "./backing.ts";
export type { Binding, BindOptions, PageTableEntry } from "./binding.ts";
export type { CacheCoherency, CacheLevel, LevelPorts } from "./cache-level.ts";
export type { Caching } from "./caching.ts";
export type { GemDomain } from "./gem-domain.ts";
export { i915 } from "./i915.ts";
export { I915Driver, type ObjectOptions } from "./i915-driver.ts";
export type { I915Object, ObjectInit } from "./i915-object.ts";
export type { I915Options } from "./i915-options.ts";
export type { Machine } from "./machine.ts";
export type { ObjectPages } from "./object-pages.ts";
export { type MmapType, userMapping } from "./user-mapping.ts";
